"""EML: a mail as its reader sees it, heads first, mails inside it too. What is attached is named, not
read."""

from collections.abc import Iterator
from email import message_from_binary_file
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any, TypeAlias, cast

from vectordb.parsing import html
from vectordb.parsing.base import Segment, clean, one_line, size_within
from vectordb.parsing.decode import guess_encoding

# The whole mail is held, its attachments too.
MOST_BYTES = 64 * 1024 * 1024
_HEADS = ("Subject", "From", "To", "Cc", "Date")
_LONGEST_HEAD = 2_000
_READ = {"text/plain", "text/html"}

_Mail: TypeAlias = "Message[Any, Any]"


def parse(path: Path) -> Iterator[Segment]:
    size = size_within(path, MOST_BYTES, "mail", "save it without its attachments")
    with path.open("rb") as file:
        # By the old rules: the new ones take a mail apart more finely, and fail where it is odd.
        mail = message_from_binary_file(file)
    texts = [_heads(mail), *_texts(mail)]
    text = clean("\n\n".join(filter(None, texts)) + "\n")
    title = one_line(_head(mail["Subject"] or ""))
    yield Segment(text, done=size, total=size, title=title)


def _heads(mail: _Mail) -> str:
    return "\n".join(f"{name}: {_head(mail[name])}" for name in _HEADS if mail[name])


def _head(value: Any) -> str:
    raw = str(value)[:_LONGEST_HEAD]
    try:
        shown = str(make_header(decode_header(raw)))
    except (
        LookupError,
        ValueError,
        MessageError,
    ):  # charsets that nobody knows, or that are not true
        shown = raw
    return " ".join(shown.split())


def _texts(part: _Mail) -> Iterator[str]:
    name = part.get_filename()
    if name:
        yield f"Attached: {_head(name)}"
    elif part.get_content_type() == "multipart/alternative" and part.is_multipart():
        yield from _best(part)
    elif part.is_multipart():
        for inner in _parts(part):
            if part.get_content_type() == "message/rfc822":
                yield _heads(inner)
            yield from _texts(inner)
    elif part.get_content_maintype() == "multipart" or part.get_content_type() in _READ:
        # Parts without a mark between them are a text.
        yield _text(part).strip()


def _parts(part: _Mail) -> "list[_Mail]":
    return cast("list[_Mail]", part.get_payload())


def _best(part: _Mail) -> list[str]:
    """Of several forms of the same: the plain one, else the last, which is the richest."""
    forms = [(inner.get_content_type(), list(_texts(inner))) for inner in _parts(part)]
    said = [(kind, texts) for kind, texts in forms if any(texts)]
    plain = [texts for kind, texts in said if kind == "text/plain"]
    return plain[0] if plain else said[-1][1] if said else []


def _text(part: _Mail) -> str:
    data = part.get_payload(decode=True)
    text = _decoded(data if isinstance(data, bytes) else b"", part.get_content_charset())
    is_page = part.get_content_type() == "text/html"
    # Marked: what the page says of its encoding was true of the bytes that it was sent in.
    return html.page_of(text.encode("utf-8-sig", "replace")).text if is_page else text


def _decoded(data: bytes, charset: str | None) -> str:
    """By what the mail says of itself, where that is true."""
    for encoding in (charset, "utf-8"):
        try:
            return data.decode(encoding or "utf-8")
        except (LookupError, ValueError):
            continue
    return data.decode(guess_encoding(data), "replace")
