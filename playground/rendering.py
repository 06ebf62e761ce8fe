"""An answer's markdown as HTML that is safe to show, its citation numbers as links."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from playground.code_html import CODE_CLASSES, code_html
from playground.math_rules import keep_math
from playground.support.scores import Level, Support
from playground.support.sentences import Said, find_sentences

_CITATION = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_LOWEST_HEADING = 6
# The page's own headings come first: an answer's begin below them.
_HEADING_SHIFT = 2

# Longer answers are rare, and would take the memory of many.
_KEPT_LENGTH = 8_000

_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "h3", "h4", "h5", "h6", "a", "div", "span", "button"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "a": {"href", "title", "data-cite", "data-found"},
    "span": {"title", "data-support", "data-by"},
    "ol": {"start"},
    "button": {"data-copy-code", "data-needs-js"},
}
_ALIGNED = {"text-align:right": "is-right", "text-align:center": "is-center"}
_CLASSES = {
    "a": {"cite", "is-found"},
    "div": {"code", "code-head", "math", "table-scroll"},
    "span": {"cite", "math", "said", "visually-hidden", *CODE_CLASSES},
    "button": {"text-btn"},
    "th": {*_ALIGNED.values()},
    "td": {*_ALIGNED.values()},
}
_VALUES = {
    "button": {"type": {"button"}},
    "pre": {"tabindex": {"0"}},
    "div": {"tabindex": {"0"}},
}
_ENDED_BY_THEMSELVES = {"heading_open", "hr"}
_ENDED_BY_A_BLANK_LINE = {"paragraph_open", "table_open", "math_block"}
_LINES = re.compile(r"[^\r\n]*(?:\r\n?|\n)")


def render_answer(
    text: str,
    *,
    numbers: Collection[int] = (),
    url: str = "",
    support: Sequence[Support] = (),
) -> SafeString:
    """Render markdown; `[2]` and `[1, 2]` become links to `url` + number where that is in `numbers`,
    and without a `url` are only set off. `support` is that of the sentences of `sentences_of`.

    Raw HTML is shown as text, images become links, and what is left is checked against an
    allow-list after rendering.
    """
    render = _kept if len(text) <= _KEPT_LENGTH else _rendered
    return render(text, frozenset(numbers), url, tuple(support))


def _rendered(
    text: str, numbers: frozenset[int], url: str, support: tuple[Support, ...]
) -> SafeString:
    environment: dict[str, Any] = {"numbers": numbers, "url": url, "support": support}
    html = _MARKDOWN.render(text, environment)
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        tag_attribute_values=_VALUES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow noreferrer",
    )
    return mark_safe(clean)  # noqa: S308 - the sanitiser's output


# Answers are shown again and again, by every reload and to every reader, and it takes a millisecond or
# two to render one.
_kept = lru_cache(maxsize=256)(_rendered)


def sentences_of(text: str, *, numbers: Collection[int] = ()) -> list[Said]:
    """The statements of an answer in their order, with what each of them cites."""
    found: list[Said] = []
    _MARKDOWN.parse(text, {"numbers": frozenset(numbers), "url": "", "sentences": found})
    return found


@dataclass(frozen=True, slots=True)
class Settled:
    """How much of a text will not change whatever follows it, in UTF-16 units as browsers count, and
    that part rendered."""

    length: int
    html: SafeString


def render_settled(text: str, *, numbers: Collection[int] = ()) -> Settled:
    """The blocks of an answer in the making that have come to their end.

    Blocks depend on nothing outside of them, so that the rest can be given alone the next time.
    """
    lines: list[str] = _LINES.findall(text)
    blocks = _MARKDOWN.parse("".join(lines), {"numbers": frozenset(), "url": ""})
    last = next((block for block in reversed(blocks) if block.map and not block.level), None)
    whole = "".join(lines[: _settled_lines(last, lines)]) if last else ""
    html = _rendered(whole, frozenset(numbers), "", ())  # to be shown once
    return Settled(len(whole.encode("utf-16-le")) // 2, html)


def _settled_lines(last: Token, lines: Sequence[str]) -> int:
    """Up to the last block, or up to its end, where nothing that follows can be part of it."""
    start, end = last.map or (0, 0)
    is_before_blank = end < len(lines) and not lines[end].strip()
    is_ended = last.type in _ENDED_BY_THEMSELVES or (
        last.type in _ENDED_BY_A_BLANK_LINE and is_before_blank
    )
    if last.type == "fence":
        closing = lines[end - 1].strip()
        is_ended = end - 1 > start and closing.startswith(last.markup) and not closing.strip("`~")
    if not is_ended:
        return start
    while end < len(lines) and not lines[end].strip():
        end += 1
    return end


def _cite(state: StateCore) -> None:
    """Split text tokens at citations. Code holds no text tokens, so it stays as it is."""
    numbers: frozenset[int] = state.env["numbers"]
    for block in state.tokens:
        if block.type in {"heading_open", "heading_close"}:
            block.tag = f"h{min(_LOWEST_HEADING, int(block.tag[1]) + _HEADING_SHIFT)}"
        if aligned := _ALIGNED.get(str(block.attrs.pop("style", ""))):
            block.attrs["class"] = aligned
        if block.type == "inline" and block.children:
            block.children = _with_citations(block.children, numbers)


def _with_citations(tokens: Sequence[Token], numbers: frozenset[int]) -> list[Token]:
    result: list[Token] = []
    links = 0
    for token in tokens:
        # A link inside a link is not HTML.
        links += token.nesting if token.type.startswith("link_") else 0
        if token.type == "text" and not links:
            result.extend(_split(token, numbers))
        else:
            result.append(token)
    return result


def _split(token: Token, numbers: frozenset[int]) -> list[Token]:
    pieces: list[Token] = []
    at = 0
    for match in _CITATION.finditer(token.content):
        cited = [int(number) for number in match[1].split(",")]
        if not numbers.issuperset(cited):
            continue
        pieces.append(_text(token.content[at : match.start()]))
        pieces.extend(Token("citation", "a", 0, meta={"number": number}) for number in cited)
        at = match.end()
    pieces.append(_text(token.content[at:]))
    return pieces


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _render_citation(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    number = tokens[index].meta["number"]
    if not env["url"]:
        return f'<span class="cite">{number}</span>'
    href = escape(f"{env['url']}{number}/")
    return f'<a class="cite" href="{href}" data-cite="{number}">{number}</a>'


def _render_support(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """What there is to say of a sentence, as a link to the passage that supports it best."""
    support: Support = tokens[index].meta["support"]
    said, shown = {
        Level.SUPPORTED: ("supported, without a citation, by passage", str(support.number)),
        Level.WEAK: ("weakly supported by passage", "~"),
        Level.NONE: ("not supported; the closest is passage", "?"),
    }[support.level]
    hidden = "" if support.level == Level.SUPPORTED else f" {support.number}"
    href = escape(f"{env['url']}{support.number}/")
    return (
        f'<a class="cite is-found" href="{href}" data-found="{support.number}">'
        f'<span class="visually-hidden">{said}{hidden} </span>{shown}</a>'
    )


def _render_image(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """A link: an image would be fetched at once, and its address could carry data away."""
    source = str(tokens[index].attrs.get("src", ""))
    return f'<a href="{escape(source)}">{escape(tokens[index].content or source)}</a>'


def _render_code(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    return code_html(token.content, next(iter(token.info.split()), ""))


def _open_table(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return '<div class="table-scroll" tabindex="0"><table>\n'


def _close_table(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return "</table></div>\n"


def _build() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
    markdown.enable(["table", "strikethrough"])
    # An answer's "[1]: …" lines are citations, not the addresses of links.
    markdown.disable("reference")
    keep_math(markdown)
    markdown.core.ruler.push("citations", _cite)
    markdown.core.ruler.push("sentences", find_sentences)
    rules = {
        "citation": _render_citation,
        "support_mark": _render_support,
        "image": _render_image,
        "fence": _render_code,
        "code_block": _render_code,
        "table_open": _open_table,
        "table_close": _close_table,
    }
    for name, rule in rules.items():
        markdown.add_render_rule(name, rule)
    return markdown


_MARKDOWN = _build()
