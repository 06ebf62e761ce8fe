import pytest

from vectordb.lexing import terms
from vectordb.parsing.language import language_of


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("The lamps are burning", "en", ["lamp", "burn"]),
        ("The customer's lamps aren't", "en", ["custom", "lamp", "aren't"]),
        ("It\N{RIGHT SINGLE QUOTATION MARK}s ours", "en", []),
        ("LAMPS lamps", "", ["lamps", "lamps"]),
        ("lamps", "xx", ["lamps"]),
        ("GW-1234/b v2.5", "", ["gw", "1234", "b", "v2", "5"]),
        ("snake_case", "", ["snake", "case"]),
        ("Caf\N{LATIN SMALL LETTER E WITH ACUTE} Cafe\N{COMBINING ACUTE ACCENT}", "", ["cafe"] * 2),
        ("Größe GRÖSSE", "de", ["gross", "gross"]),
        ("políticas", "es", ["polit"]),
        ("नॉर्मन लोग", "hi", ["नॉर्मन", "लोग"]),
        ("返品はTower東京 京", "ja", ["tower", "返品", "品は", "東京", "京"]),
        ("wide \uff21\uff22", "", ["wide", "ab"]),
        ("サーバー", "ja", ["サー", "ーバ", "バー"]),
        ("Donau\N{SOFT HYPHEN}schiff", "de", ["donauschiff"]),
        ("Łódź øre", "", ["lodz", "ore"]),
        ("x" * 1_000, "", ["x" * 64]),
        ("¿? — … \x00\n", "en", []),
        ("", "en", []),
    ],
)
def test_a_text_has_these_terms(text, language, expected):
    assert terms(text, language) == expected


def test_function_words_of_other_languages_can_be_left_out_as_well():
    assert terms("What is the Frist?", "de", also_without=["en", "xx"]) == ["frist"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The shop is closed on Mondays and opens at nine on every other day.", "en"),
        ("Crimson lanterns glow beside quiet harbour walls", "en"),
        ("La tienda cierra los lunes y abre a las nueve los demás días.", "es"),
        ("Der Laden ist montags geschlossen und öffnet sonst um neun.", "de"),
        ("Магазин закрыт по понедельникам, в остальные дни открывается в девять.", "ru"),
        ("商店星期一关门。其他日子九点开门。欢迎大家来", "zh"),
        ("GW-1234", ""),
        ("1, 2, 3", ""),
        ("a b c " * 20, ""),
        ("", ""),
    ],
)
def test_a_text_is_in_this_language(text, language):
    assert language_of(text) == language
