"""EPUB, mails and JSON: what is read of them, and what is said of those that cannot be."""

import json
import zipfile
from email.message import EmailMessage
from email.mime.message import MIMEMessage
from email.mime.text import MIMEText
from typing import Any

import pytest

from config.errors import InvalidInput
from tests.vectordb.samples import archive, joined
from vectordb.filetypes import sniff
from vectordb.parsing import eml, epub, json_values, reader
from vectordb.parsing.base import Kind, ParseError
from vectordb.parsing.markup import root_of

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


@pytest.mark.parametrize("entity", ['SYSTEM "file://{}"', '"the secret"'])
def test_no_entity_is_unfolded(tmp_path, entity):
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    declared = f"<!DOCTYPE x [<!ENTITY e {entity.format(secret)}>]><x a='b'>&e;</x>"

    root = root_of(declared.encode(), "EPUB")

    assert "secret" not in "".join(root.itertext())


def test_what_a_book_names_outside_of_it_is_not_read(file, tmp_path):
    (tmp_path / "secret").write_text("the secret")
    linked = PACKAGE.replace(b"text/two.xhtml", b"../../../secret")

    assert "secret" not in joined(epub.parse(file(book(**{"OPS/book.opf": linked}))))


def test_a_page_that_a_book_names_again_and_again_is_read_once(file):
    again = PACKAGE.replace(b"<spine>", b"<spine>" + b'<itemref idref="one"/>' * 1_000)

    assert len(list(epub.parse(file(book(**{"OPS/book.opf": again}))))) == 2


def test_a_book_packed_unusually_is_refused(file):
    packed = archive({"META-INF/container.xml": CONTAINER}, zipfile.ZIP_BZIP2)
    with pytest.raises(ParseError, match="packed in an unusual way"):
        list(epub.parse(file(packed)))


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


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-8"])
def test_a_page_in_a_mail_is_in_the_encoding_of_the_mail(file, charset):
    page = '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>Grüße</p>'
    heads = f"Subject: x\nContent-Type: text/html; charset={charset}\n\n".encode()

    assert joined(eml.parse(file(heads + page.encode(charset)))) == "Subject: x\n\nGrüße\n"


def test_all_texts_of_a_mail_are_read_and_those_of_mails_inside_it(file):
    inner = mail(Subject="Inside")
    inner.set_content("The inner text.")
    message = mail()
    message.set_content("First.")
    message.add_attachment(b"GIF8", maintype="image", subtype="gif", filename="a.gif")
    parts: Any = message
    parts.attach(MIMEText("Second."))
    parts.attach(MIMEMessage(inner))

    assert joined(eml.parse(file(bytes(message)))).split("\n\n")[1:] == [
        "First.",
        "Attached: a.gif",
        "Second.",
        "Subject: Inside\nFrom: A <a@example.com>\nTo: b@example.com",
        "The inner text.\n",
    ]


@pytest.mark.parametrize(
    "head",
    [
        b'From: "',
        b"To: a@[",
        b"To: " + b"(" * 2_000,
        b"To: " + b"a@example.com, " * 12_000,
        b"Subject: =?nobody?Q?x?=",
        b"Subject: =?utf-8?B?x?=",
        b"Content-Type: text/plain; charset=undefined",
        b"Content-Type: text/plain; charset=punycode",
        b"Content-Type: text/plain;" + b"a*0=b;" * 5_000,
        b"Content-Type: multipart/mixed",
        b"\xff\xfe: \xff",
    ],
    ids=lambda head: str(head[:45]),
)
def test_odd_heads_keep_no_mail_from_being_read(file, head):
    text = joined(eml.parse(file(b"X: y\n" + head + b"\n\nThe text.\n")))

    assert "The text." in text
    assert len(text) < 3_000


def test_a_mail_without_anything_has_no_text(file):
    message = {"path": str(file(b"\n\n")), "kind": Kind.EML, "whole": True, "chunking": None}
    assert [one.get("text", "") for one in reader.answers(message)] == ["\n", ""]


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
    "content",
    [
        '{"a": ',
        '{"a": 1}\n{"b": }\n',
        "// settings\n{}",
        "[" * 100_000,
        '{"a": 1}\n' + "[" * 100_000,
        "9" * 5_000,
        "1\n" + "9" * 5_000,
    ],
    ids=lambda content: content[:20],
)
def test_what_only_looks_like_json_is_read_as_text(file, content):
    assert joined(json_values.parse(file(content.encode()))) == content


def test_json_lines_end_only_where_the_line_does(file):
    content = '{"a": "x\u2028y"}\n{"a": "b"}'
    assert joined(json_values.parse(file(content.encode()))) == "a: x\ny\n\na: b\n\n"


def test_a_long_way_to_a_value_is_told_by_its_end(file):
    value = {"k" * 5_000: {"last": [0] * 1_000}}

    text = joined(json_values.parse(file(json.dumps(value).encode())))

    assert len(text) < 200_000
    assert text.splitlines()[-2].endswith("kk.last.1000: 0")


def test_more_text_than_a_large_file_has_is_refused(file, monkeypatch):
    monkeypatch.setattr(reader, "MOST_CHARACTERS", 1_000)
    request = {"path": str(file(b"[1]" * 1_000)), "kind": Kind.TEXT, "whole": True}

    assert [*reader.answers(request | {"chunking": None})] == [
        {"error": "There are more than 1,000 characters of text in this file: split it."}
    ]


@pytest.mark.parametrize("parser", [eml, json_values])
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
        ("a.json", b"{}", Kind.JSON),
        ("a.JSONL", b"{}", Kind.JSON),
        ("a.py", b"import this", Kind.PYTHON),
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
