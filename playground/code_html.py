"""Code in answers as HTML: `static/css/chat.css` colours the parts by their classes."""

from functools import lru_cache

from django.utils.html import escape
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token, _TokenType

# Those that people ask about. A lexer is a set of regular expressions that run on what an LLM wrote:
# the fewer, the fewer of them can be slow.
_LANGUAGES = {
    *("bash", "sh", "shell", "zsh", "console", "powershell", "docker", "dockerfile", "makefile"),
    *("c", "cpp", "c++", "csharp", "c#", "cs", "go", "java", "kotlin", "rust", "scala", "swift"),
    *("javascript", "js", "jsx", "typescript", "ts", "tsx", "css", "html", "xml", "php"),
    *("python", "py", "python3", "r", "ruby", "rb", "lua", "perl", "sql", "postgresql", "mysql"),
    *("json", "yaml", "yml", "toml", "ini", "diff", "nginx", "graphql", "protobuf", "tex", "latex"),
}
_LONGEST = 20_000
_LONGEST_NAME = 30
_CLASSES = {
    Token.Comment: "c",
    Token.Keyword: "k",
    Token.Operator.Word: "k",
    Token.Literal.String: "s",
    Token.Literal.Number: "n",
    Token.Name.Builtin: "b",
    Token.Name.Class: "f",
    Token.Name.Decorator: "f",
    Token.Name.Function: "f",
    Token.Name.Tag: "k",
    Token.Name.Attribute: "b",
    Token.Generic.Inserted: "s",
    Token.Generic.Deleted: "d",
}
CODE_CLASSES = frozenset(_CLASSES.values())


def code_html(code: str, language: str) -> str:
    """A block of code with its language and a button that copies it."""
    name = escape(language[:_LONGEST_NAME])
    return (
        f'<div class="code"><div class="code-head"><span>{name}</span>'
        '<button type="button" class="text-btn" data-copy-code data-needs-js>Copy</button></div>'
        f'<pre tabindex="0"><code>{_highlighted(code, language.lower())}</code></pre></div>\n'
    )


@lru_cache(maxsize=500)
def _highlighted(code: str, language: str) -> str:
    if language not in _LANGUAGES or len(code) > _LONGEST:
        return escape(code)
    return "".join(_span(kind, text) for kind, text in _lexer(language).get_tokens(code))


@lru_cache
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


def _span(kind: _TokenType, text: str) -> str:
    name = _class_of(kind)
    return f'<span class="{name}">{escape(text)}</span>' if name else escape(text)


@lru_cache
def _class_of(kind: _TokenType) -> str:
    """That of the nearest kind which has one."""
    nearest: _TokenType | None = kind
    while nearest is not None:
        if nearest in _CLASSES:
            return _CLASSES[nearest]
        nearest = nearest.parent
    return ""
