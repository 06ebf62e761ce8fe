"""An answer's markdown as HTML that is safe to show, its citation numbers as links."""

import re
from collections.abc import Collection, Sequence
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_CITATION = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_LOWEST_HEADING = 6
# The page's own headings come first: an answer's begin below them.
_HEADING_SHIFT = 2

_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "h3", "h4", "h5", "h6", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title", "class", "data-cite"}, "ol": {"start"}}


def render_answer(text: str, *, numbers: Collection[int] = (), url: str = "") -> SafeString:
    """Render markdown; `[2]` and `[1, 2]` become links to `url` + number where that is in `numbers`.

    Raw HTML is shown as text, images become links, and what is left is checked against an
    allow-list after rendering.
    """
    environment: dict[str, Any] = {"numbers": frozenset(numbers), "url": url}
    html = _MARKDOWN.render(text, environment)
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow noreferrer",
    )
    return mark_safe(clean)  # noqa: S308 - the sanitiser's output


def _cite(state: StateCore) -> None:
    """Split text tokens at citations. Code holds no text tokens, so it stays as it is."""
    numbers: frozenset[int] = state.env["numbers"]
    for block in state.tokens:
        if block.type in {"heading_open", "heading_close"}:
            block.tag = f"h{min(_LOWEST_HEADING, int(block.tag[1]) + _HEADING_SHIFT)}"
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
    href = escape(f"{env['url']}{number}/")
    return f'<a class="cite" href="{href}" data-cite="{number}">{number}</a>'


def _render_image(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """A link: an image would be fetched at once, and its address could carry data away."""
    source = str(tokens[index].attrs.get("src", ""))
    return f'<a href="{escape(source)}">{escape(tokens[index].content or source)}</a>'


def _build() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
    markdown.enable(["table", "strikethrough"])
    # An answer's "[1]: …" lines are citations, not the addresses of links.
    markdown.disable("reference")
    markdown.core.ruler.push("citations", _cite)
    markdown.add_render_rule("citation", _render_citation)
    markdown.add_render_rule("image", _render_image)
    return markdown


_MARKDOWN = _build()
