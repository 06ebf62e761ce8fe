"""RTF as several programs write it, made here."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectordb.conftest import add, build
from tests.vectordb.samples import joined
from vectordb.filetypes import sniff
from vectordb.models import Chunk
from vectordb.parsing import rtf
from vectordb.parsing.base import Kind, ParseError
from vectordb.parsing.rtf_tokens import tokens

WORD = rb"""{\rtf1\adeflang1025\ansi\ansicpg1252\uc1\deff0\stshfdbch0\deflang1031
{\fonttbl{\f0\froman\fcharset0\fprq2{\*\panose 02020603050405020304}Times New Roman;}
{\f38\froman\fcharset204\fprq2 Times New Roman Cyr;}{\f2\fmodern\fcharset128 MS Mincho;}}
{\colortbl;\red0\green0\blue0;\red255\green0\blue0;}
{\*\defchp \fs22 }{\stylesheet{\ql \fs24 \snext0 Normal;}{\s1\ql \sbasedon0 \outlinelevel0 heading 1;}
{\s2\outlinelevel1 \'dcberschrift 2;}{\*\cs10 \additive Default Paragraph Font;}}
{\info{\title Gesch\'e4ftsbericht \u8211\'96 2026}{\author A. B\'fcrger}{\*\company Nobody}}
{\header \pard\plain Running head\par}{\*\generator Riched20;}\pard\plain \s1\outlinelevel0 {\rtlch
\fs32 Pr\'fcfung}{\f0\par}\pard\plain \ql Ein {\b fetter} Satz, \ldblquote w\'f6rtlich\rdblquote
 und {\v verborgen}offen\endash sichtbar.\line Neue Zeile\~hier, mit\-ohne und co\_op \{so\}.\par
{\pard\s2 Kyrillisch\par}{\f38 \'cf\'f0\'e8\'e2\'e5\'f2, \'ec\'e8\'f0} und {\f2\'93\'fa\'96\{} und
 \u128512 ? \u-10179\'3f\u-8704\'3f \uc2\u8364\'80\'80 \uc0\u8226  Punkt.\par
{\*\shppict{\pict\pngblip\picw10 89504e470d0a1a0a
0000}}{\nonshppict{\pict\wmetafile8 0100}}{\pict\bin5 }{\\ab}
{\field{\*\fldinst HYPERLINK "https://example.com"}{\fldrslt der Verweis}}{\footnote \pard Klein}.\par
\trowd\cellx100\cellx200\pard\intbl{Zone\cell}{Pr\par eis\cell}\row
\trowd\pard\intbl Nord\cell {\b 7} EUR\cell{\trowd\row}\pard Nach der Tabelle.\par
{\shp{\*\shpinst{\sp{\sn shapeType}{\sv 202}}{\shptxt \pard Im Kasten.\par}}{\shprslt Im Kasten.}}
Ende\sect}"""

TEXT_EDIT = rb"""{\rtf1\ansi\ansicpg1252\cocoartf2761
\cocoatextscaling0\cocoaplatform0{\fonttbl\f0\fswiss\fcharset0 Helvetica;\f1\fnil\fcharset0 AppleColorEmoji;}
{\colortbl;\red255\green255\blue255;}
{\*\expandedcolortbl;;}
{\info
{\title Notes}}\paperw11900\paperh16840\margl1440
\pard\tx566\pardirnatural\partightenfactor0

\f0\fs24 \cf0 Caf\'e9 na\'efve \uc0\u1055 \u1088 \u1080 \u1074 \u1077 \u1090
\f1 \uc0\u55357 \u56832
\f0 \
\
{\listtext	\uc0\u8226 	}One\
\itap1\trowd \taflags1 \cellx4320\cellx8640
\pard\intbl\itap1 a\cell
\pard\intbl\itap1 b\cell \lastrow\row
\pard\pardirnatural End}"""


def read(file, content: bytes) -> str:
    return joined(rtf.parse(file(content)))


def test_what_word_writes_is_read(file):
    assert read(file, WORD).split("\n") == [
        "Prüfung", "",
        "Ein fetter Satz, \u201cwörtlich\u201d und offen\u2013sichtbar.",
        "Neue Zeile\u00a0hier, mitohne und co-op {so}.", "",
        "Kyrillisch", "",
        "Привет, мир und 日本 und 😀 😀 € • Punkt.", "",
        "der Verweis (Klein).", "",
        "Zone | Pr eis",
        "Nord | 7 EUR", "",
        "Nach der Tabelle.", "",
        "Im Kasten.", "",
        "Ende", "", "",
    ]  # fmt: skip


def test_what_textedit_writes_is_read(file):
    assert read(file, TEXT_EDIT).split("\n") == [
        "Café naïve Привет😀", "",
        "\t•\tOne", "",
        "a | b", "",
        "End", "", "",
    ]  # fmt: skip


def test_titles_and_headings_are_told(file):
    segments = list(rtf.parse(file(WORD)))
    assert {segment.title for segment in segments} == {"Geschäftsbericht \u2013 2026"}
    found = [(one.level, s.text[one.start : one.end]) for s in segments for one in s.headings]
    assert found == [(1, "Prüfung"), (2, "Kyrillisch")]
    assert {segment.title for segment in rtf.parse(file(TEXT_EDIT))} == {"Notes"}


def document(body: bytes, head: bytes = rb"\rtf1\ansi") -> bytes:
    return b"{" + head + b" " + body + b"}"


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (rb"\rtf1\mac", rb"caf\'8e", "café"),
        (rb"\rtf1\pc", rb"caf\'82", "café"),
        (rb"\rtf1\pca", rb"caf\'82", "café"),
        (rb"\rtf1\ansi\ansicpg1251", rb"\'cc\'e8\'f0", "Мир"),
        (rb"\rtf1\ansi\ansicpg932", rb"\'83A", "ア"),
        (rb"\rtf1\ansi\ansicpg65001", "naïve".encode(), "naïve"),
        (rb"\rtf1\ansi\ansicpg99999", rb"caf\'e9", "café"),
        (rb"\rtf1{\fonttbl{\f1\cpg1253 A;}}", rb"\f1\'e1\plain\'e1", "αá"),
        (rb"\rtf1{\fonttbl{\f1\fcharset77 A;}}", rb"{\f1\'8e}\'e9", "éé"),
        (rb"\rtf1\deff1{\fonttbl{\f1\fcharset238 A;}}", rb"\'9a\f0\'9a\plain\'b9", "ššą"),
        (rb"\rtf1", rb"\u233 ?\u233?\u233\'e9\u233 \'e9\u233\tab{}\u233", "éééééé"),
        (rb"\rtf1", rb"{\uc3\u233 abcd}\u233ef", "édéf"),
        (rb"\rtf1", rb"\uc2\u233{a}b", "éab"),
        (rb"\rtf1", rb"\u55357?x\u99999999 ?\u0 ?y", "\ufffdxy"),
        (rb"\rtf1", rb"a\'zzb\xyz12 c\|\:d\emdash", "azzb cd—".replace(" ", "")),
        (rb"\rtf1", rb"{\*\unknown {\b x}y}{\xe z}a{\deleted b}{\v c}{\v\v0 d}", "ad"),
        (rb"\rtf1", b"one\r\ntwo\nthree", "onetwothree"),
    ],
)
def test_characters_are_what_they_are_said_to_be(file, head, body, text):
    assert read(file, document(body, head)).strip() == text


def test_binary_data_is_jumped_over(file):
    assert read(file, document(rb"a{\pict\bin4 }}{\b}b\bin2 {{c")).strip() == "abc"


def test_a_style_can_be_a_heading_of_its_own_name(file):
    styles = rb"{\stylesheet{\s7 Heading 3;}{\s8\outlinelevel8 Deep;}{\s9\outlinelevel9 Text;}}"
    body = rb"\s7 a\par\pard\s8 b\par\pard\s9 c\par\pard\s7\outlinelevel9 d\par\outlinelevel0 e\par"
    segments = rtf.parse(file(document(body, rb"\rtf1" + styles)))
    assert [[(h.level, h.text) for h in one.headings] for one in segments] == [
        [(3, "a")],
        [(9, "b")],
        [],
        [],
        [(1, "e")],
    ]


def test_a_long_paragraph_comes_in_portions(file):
    segments = list(rtf.parse(file(document(b"{word }" * 60_000))))
    assert len(segments) > 3
    assert joined(segments) == "word " * 60_000 + "\n\n"
    assert [one.done for one in segments] == sorted(one.done for one in segments)


@pytest.mark.parametrize("cut", [20, 700, len(WORD) // 2, len(WORD) - 1])
def test_a_document_that_breaks_off_says_so(file, cut):
    with pytest.raises(ParseError, match="breaks off"):
        list(rtf.parse(file(WORD[:cut])))


def test_groups_without_end_in_each_other_are_refused(file):
    with pytest.raises(ParseError, match="more than 1,000 groups"):
        list(rtf.parse(file(b"{" * 100_000)))


def test_what_stands_behind_the_end_is_not_read(file):
    assert read(file, b" " + document(b"a") + b"\0\0} b").strip() == "a"


@settings(max_examples=100, deadline=None)
@given(content=st.lists(st.sampled_from([b"{", b"}", b"\\", b"'e9", b"u", b"-5", b" ", b"\\bin9 ",
    b"\\cell", b"\\row", b"\\intbl", b"\\par", b"\\*", b"x", b"\\uc9", b"\\f3", b"\xff", b"\\s1",
    b"\\fonttbl", b"\\stylesheet", b"\\info", b"\\title", b"\\fcharset128"]), max_size=60))  # fmt: skip
def test_nonsense_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "nonsense.rtf"
    path.write_bytes(b"".join(content))
    try:
        for segment in rtf.parse(path):
            segment.text.encode()
    except ParseError:
        pass
    ends = [token.end for token in tokens(path.read_bytes())]
    assert all(before < after for before, after in pairwise(ends))


@pytest.mark.parametrize("name", ["a.rtf", "a.doc", "a.txt"])
def test_rtf_is_known_by_its_content(file, name):
    assert sniff(file(b"\n" + WORD), name) is Kind.RTF


def test_rtf_becomes_chunks(dataset):
    add(dataset, "report.rtf", WORD)
    database = build(dataset)
    [chunk] = Chunk.objects.filter(vector_database_id=database.pk)
    assert chunk.metadata["title"] == "Geschäftsbericht \u2013 2026"
    assert chunk.metadata["headings"] == "Prüfung"
    assert "Nord | 7 EUR" in chunk.text
