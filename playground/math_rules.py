"""TeX in answers stays as it was written: markdown would take its stars, lines and backslashes away."""

import re
from collections.abc import Sequence

from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# Bounded, so that a thousand openings without an end take no quadratic time.
_INLINE = re.compile(
    r"\$\$(?!\s).{1,1000}?\$\$"
    r"|\\\(.{1,1000}?\\\)"
    # A number in brackets is a citation, also where the brackets are escaped.
    r"|\\\[(?![\d, ]*\\\]).{1,1000}?\\\]"
    # One dollar is money, unless there is TeX behind it and an end.
    r"|\$(?![\s$])(?:[A-Za-z]|[^$\n]{0,300}?[\\^_={}<>+][^$\n]{0,300}?)(?<![\s\\])\$(?![\d$])",
    re.DOTALL,
)
_BLOCKS = {"$$": "$$", "\\[": "\\]"}


def keep_math(markdown: MarkdownIt) -> None:
    markdown.inline.ruler.before("escape", "math", _inline)
    alternatives: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    markdown.block.ruler.before("fence", "math_block", _block, alternatives)
    markdown.add_render_rule("math", _render_inline)
    markdown.add_render_rule("math_block", _render_block)


def _inline(state: StateInline, silent: bool) -> bool:
    found = _INLINE.match(state.src, state.pos)
    if found is None or found.end() > state.posMax:
        return False
    if not silent:
        state.push("math", "span", 0).content = found[0]
    state.pos = found.end()
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """From a line that begins with an opening to one that ends with its end, or to a blank line:
    nothing that follows makes something else of it."""
    first = _line(state, start)
    closing = _BLOCKS.get(first[:2])
    if closing is None or state.is_code_block(start) or closing in first[2:-2]:
        return False
    if silent:
        return True
    last = start
    text = first[2:]
    while not text.endswith(closing) and last + 1 < end and (text := _line(state, last + 1)):
        last += 1
    token = state.push("math_block", "div", 0)
    token.content = "\n".join(_line(state, number) for number in range(start, last + 1))
    token.map = [start, last + 1]
    state.line = last + 1
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()


def _render_inline(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<span class="math">{escape(tokens[index].content)}</span>'


def _render_block(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<div class="math" tabindex="0">{escape(tokens[index].content)}</div>\n'
