"""EPUB, mails, RTF and JSON: what is read of them, and what is said of those that cannot be."""

import json
from email.message import EmailMessage

import pytest

from config.errors import InvalidInput
from tests.vectordb.samples import archive, joined
from vectordb.filetypes import sniff
from vectordb.parsing import eml, epub, json_values, reader, rtf
from vectordb.parsing.base import Kind, ParseError

CONTAINER = b"""<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>"""
PACKAGE = b"""<package xmlns="http://www.idpf.org/2007/opf">
<manifest>
  <item id="two" href="text/two.xhtml" media-type="application/xhtml+xml"/>
  <item id="one" href="text/chapter%20one.xhtml" media-type="application/xhtml+xml"/>
  <item id="picture" href="cover.png" media-type="image/png"/>
  <item id="lost" href="lost.xhtml" media-type="application/xhtml+xml"/>
</manifest>
<spine><itemref idref="picture"/><itemref idref="one"/><itemref idref="lost"/><itemref idref="two"/>
<itemref idref="nobody"/></spine></package>"""
PROTECTED = b"""<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
  xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>
  <enc:EncryptionMethod Algorithm="%s"/></enc:EncryptedData></encryption>"""


def book(**members: bytes) -> bytes:
    return archive(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OPS/book.opf": PACKAGE,
            "OPS/text/chapter one.xhtml": b"<html><body><h1>One</h1><p>Oil burns.</p></body></html>",
            "OPS/text/two.xhtml": "<html><body><p>Zwölf Öfen.</p></body></html>".encode(),
            "OPS/cover.png": b"\x89PNG",
        }
        | members
    )


def test_a_book_is_read_in_the_order_of_its_spine(file):
    segments = list(epub.parse(file(book())))

    assert [(one.done, one.total) for one in segments] == [(1, 2), (2, 2)]
    assert joined(segments).split() == ["One", "Oil", "burns.", "Zwölf", "Öfen."]


def test_a_book_with_garbled_fonts_is_read(file):
    fonts = PROTECTED % b"http://www.idpf.org/2008/embedding"

    assert "Oil burns." in joined(epub.parse(file(book(**{"META-INF/encryption.xml": fonts}))))


def test_a_protected_book_says_so(file):
    lock = PROTECTED % b"http://www.w3.org/2001/04/xmlenc#aes128-cbc"

    with pytest.raises(ParseError, match="without DRM"):
        list(epub.parse(file(book(**{"META-INF/encryption.xml": lock}))))


@pytest.mark.parametrize(
    "members",
    [
        {"META-INF/container.xml": b"<container"},
        {"META-INF/container.xml": b"<container/>"},
        {"META-INF/container.xml": CONTAINER.replace(b"book.opf", b"other.opf")},
        {"OPS/book.opf": b"not XML"},
    ],
)
def test_a_damaged_book_says_what_to_do(file, members):
    with pytest.raises(ParseError, match="damaged"):
        list(epub.parse(file(book(**members))))


def test_what_a_book_names_outside_of_it_is_not_read(file, tmp_path):
    (tmp_path / "secret").write_text("the secret")
    entity = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file://%s/secret">]>' % str(tmp_path).encode()
    linked = PACKAGE.replace(b"text/two.xhtml", b"../../../secret")

    text = joined(epub.parse(file(book(**{"OPS/book.opf": entity + linked}))))

    assert "Oil burns." in text
    assert "secret" not in text


def test_a_chapter_larger_than_can_be_read_is_refused(file, monkeypatch):
    monkeypatch.setattr(epub, "_MOST_BYTES_OF_A_PART", 1_000)
    large = {"OPS/text/two.xhtml": b"<p>" + b"x" * 2_000}

    with pytest.raises(ParseError, match="A part of this EPUB"):
        list(epub.parse(file(book(**large))))


def mail(**changes: str) -> EmailMessage:
    message = EmailMessage()
    heads = {"Subject": "Öl für die Lampen", "From": "A <a@example.com>", "To": "b@example.com"}
    for name, value in (heads | changes).items():
        message[name] = value
    return message


def test_a_mail_is_read_with_its_heads_and_the_names_of_what_is_attached(file):
    message = mail(Date="Sat, 21 Nov 2026 10:00:00 +0000")
    message.set_content("It burns.\n")
    message.add_alternative("<p>It <b>burns</b> in HTML.</p>", subtype="html")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="öl.pdf")

    assert joined(eml.parse(file(bytes(message)))).splitlines() == [
        "Subject: Öl für die Lampen",
        "From: A <a@example.com>",
        "To: b@example.com",
        "Date: Sat, 21 Nov 2026 10:00:00 +0000",
        "",
        "It burns.",
        "",
        "Attached: öl.pdf",
    ]


def test_a_mail_in_html_alone_is_read_as_a_page(file):
    message = mail()
    message.set_content("<style>p {}</style><p>It <b>burns</b>.</p>", subtype="html")

    assert joined(eml.parse(file(bytes(message)))).endswith("\n\nIt burns.\n")


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("iso-8859-1", "Grüße".encode("latin-1")),
        ("utf-8", "Grüße".encode()),
        ("utf-8", "Grüße aus dem Süden, für alle Fälle".encode("cp1252")),
        ("nobody-knows", "Grüße".encode()),
    ],
)
def test_a_mail_is_decoded_even_where_it_names_the_wrong_charset(file, charset, body):
    heads = f"Subject: x\nContent-Type: text/plain; charset={charset}\n".encode()

    text = joined(eml.parse(file(heads + b"Content-Transfer-Encoding: 8bit\n\n" + body)))

    assert "Grüße" in text


def test_a_mail_without_anything_has_no_text(file):
    message = {"path": str(file(b"\n\n")), "kind": Kind.EML, "whole": True, "chunking": None}
    assert [one.get("text", "") for one in reader.answers(message)] == ["\n", ""]


def test_rtf_is_read_without_its_formatting(file):
    content = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator Me;}"
        rb"\f0\fs24 Caf\'e9 \b lamps\b0  burn oil.\par \u8364? 7\par"
        rb"\trowd\cellx1\cellx2 North\cell South\cell\row}"
    )

    assert joined(rtf.parse(file(content))).split() == [
        *("Café", "lamps", "burn", "oil.", "€", "7"),
        *("North|South|",),
    ]


@pytest.mark.parametrize("content", [b"{\\rtf1", b"{\\rtf1 \\'zz }}}}", b"{\\rtf1 {{{{ words"])
def test_broken_rtf_gives_what_can_be_read(file, content):
    assert isinstance(joined(rtf.parse(file(content))), str)


def test_a_json_list_is_read_entry_by_entry(file):
    value = [
        {"name": "Oslo", "tags": ["north", "port"], "size": {"people": 7e5, "old": True}},
        {"name": "Bergen", "mayor": None, "empty": [], "text": "two\nlines"},
    ]

    assert joined(json_values.parse(file(json.dumps(value).encode()))) == (
        "name: Oslo\ntags.1: north\ntags.2: port\nsize.people: 700000.0\nsize.old: true\n\n"
        "name: Bergen\nmayor: null\ntext: two\nlines\n\n"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": {"b": "c"}}', "a.b: c\n\n"),
        (b'"words"', "words\n\n"),
        (b'["one", "two"]', "one\n\ntwo\n\n"),
        (b'{"a": 1}\n\n{"a": 2}\n', "a: 1\n\na: 2\n\n"),
        ('\ufeff{"ä": "ö"}'.encode(), "ä: ö\n\n"),
        ('{"a": "b"}'.encode("utf-16"), "a: b\n\n"),
    ],
)
def test_json_of_any_shape_is_read(file, content, expected):
    assert joined(json_values.parse(file(content))) == expected


def test_long_json_comes_in_portions(file):
    lines = "\n".join(json.dumps({"n": number}) for number in range(3_000))

    segments = list(json_values.parse(file(lines.encode())))

    assert len(segments) > 3
    assert joined(segments).split()[1::2] == [str(number) for number in range(3_000)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"a": ', "line 1, column 7"),
        (b'{"a": 1}\n{"b": }', "line 2, column 7"),
        (b"words", "name the file .txt"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": 1}\n' + b"[" * 100_000, "nested too deeply"),
        (b"9" * 5_000, "digits"),
        (b"1\n" + b"9" * 5_000, "digits"),
    ],
)
def test_what_is_no_json_says_where(file, content, why):
    with pytest.raises(ParseError, match=why):
        list(json_values.parse(file(content)))


@pytest.mark.parametrize("parser", [eml, rtf, json_values])
def test_what_is_too_large_to_be_held_is_refused(file, parser, monkeypatch):
    monkeypatch.setattr(parser, "MOST_BYTES", 10)
    with pytest.raises(ParseError, match="is the most that can be"):
        list(parser.parse(file(b"x" * 11)))


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.epub", book(), Kind.EPUB),
        ("a.zip", book(), Kind.EPUB),
        ("a.eml", b"Subject: x\n\nwords", Kind.EML),
        ("a.doc", b"{\\rtf1 words}", Kind.RTF),
        ("a.json", b"{}", Kind.JSON),
        ("a.JSONL", b"{}", Kind.JSON),
        ("a.py", b"import this", Kind.TEXT),
        ("Makefile", b"run:\n\techo", Kind.TEXT),
    ],
)
def test_a_file_is_what_its_content_and_name_say(file, name, content, kind):
    assert sniff(file(content), name) is kind


def test_a_book_that_unpacks_to_too_much_is_refused(file, settings):
    settings.MAX_ARCHIVE_BYTES = 5_000
    with pytest.raises(InvalidInput, match="more than can be read"):
        sniff(file(book(**{"OPS/text/two.xhtml": b"x" * 6_000})), "a.epub")


def test_other_packed_documents_are_still_refused(file):
    other = archive(
        {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<a/>"}
    )
    with pytest.raises(InvalidInput, match=r"opendocument.text, which is not supported\. What can"):
        sniff(file(other), "a.odt")
