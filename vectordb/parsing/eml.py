"""EML: a mail as its reader sees it, its heads first. What is attached is named, not read."""

from collections.abc import Iterator
from email import message_from_binary_file, policy
from email.message import EmailMessage
from pathlib import Path

from vectordb.parsing import html
from vectordb.parsing.base import Segment, clean, size_within
from vectordb.parsing.decode import guess_encoding

# The whole mail is held, its attachments too.
MOST_BYTES = 64 * 1024 * 1024
_HEADS = ("Subject", "From", "To", "Cc", "Date")


def parse(path: Path) -> Iterator[Segment]:
    size = size_within(path, MOST_BYTES, "mail", "save it without its attachments")
    with path.open("rb") as file:
        mail = message_from_binary_file(file, policy=policy.default)
    parts = [_heads(mail), _body(mail), _attachments(mail)]
    text = "\n\n".join(part.strip() for part in parts if part.strip())
    yield Segment(clean(text + "\n"), done=size, total=size)


def _heads(mail: EmailMessage) -> str:
    return "\n".join(f"{name}: {mail[name]}" for name in _HEADS if mail[name])


def _body(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    data = body.get_payload(decode=True)
    text = _decoded(data if isinstance(data, bytes) else b"", body.get_content_charset())
    return html.text_of(text.encode()) if body.get_content_type() == "text/html" else text


def _decoded(data: bytes, charset: str | None) -> str:
    """By what the mail says of itself, where that is true."""
    for encoding in (charset, "utf-8"):
        try:
            return data.decode(encoding or "utf-8")
        except (LookupError, UnicodeDecodeError):
            continue
    return data.decode(guess_encoding(data), "replace")


def _attachments(mail: EmailMessage) -> str:
    names = [part.get_filename() or "" for part in mail.iter_attachments()]
    named = ", ".join(name for name in names if name)
    return f"Attached: {named}" if named else ""
