"""A cited passage in its document: what stands before it and after it."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404

from accounts.models import User
from playground.models import ChatPrompt
from vectordb.models import Chunk, Document, VectorDatabase
from vectordb.retrieval import chunk_in_context
from vectordb.source_links import passage_url, places_url


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """`before` and `after` are what the neighbouring chunks add; empty when they are gone, as are
    `url`, where the passage is shown in its document, and `places_url`, which tells where on its page."""

    citation: dict[str, Any]
    before: str
    text: str
    after: str
    is_gone: bool
    document: Document | None
    url: str = ""
    places_url: str = ""


def cited_passage(prompt: ChatPrompt, number: int, *, user: User) -> CitedPassage:
    """Raises Http404 when the answer has no such citation. What was deleted since is shown as the
    answer kept it."""
    citation = next((item for item in prompt.citations if item["number"] == number), None)
    if citation is None:
        raise Http404
    visible = VectorDatabase.objects.visible_to(user)
    database = visible.filter(pk=prompt.vector_database_id or "").first()
    document = Document.objects.visible_to(user).filter(pk=citation["document_id"]).first()
    gone = CitedPassage(citation, "", citation["text"], "", True, document)
    if database is None:
        return gone
    try:
        previous, chunk, following = chunk_in_context(database, citation["chunk_id"])
    except Chunk.DoesNotExist:
        return gone
    if chunk.document_id != citation["document_id"]:  # deleted, and its number given to another
        return gone
    start, end = citation["start"], citation["end"]
    return CitedPassage(
        citation=citation,
        before=_before(previous, chunk, citation),
        text=citation["text"],
        after=_after(following, chunk, citation),
        is_gone=False,
        document=document,
        url=passage_url(chunk, start=start, end=end),
        places_url=places_url(chunk, document, start=start, end=end),
    )


def _before(previous: Chunk | None, chunk: Chunk, citation: dict[str, Any]) -> str:
    """Chunks overlap: each character is shown once. A cut passage leaves a rest of its chunk. What
    stands where in an edited chunk nobody knows."""
    rest = "" if chunk.is_edited else chunk.text[: max(0, citation["start"] - chunk.start)]
    if previous is None or previous.is_edited:
        return rest
    return _joined(previous.text[: max(0, chunk.start - previous.start)], rest, previous, chunk)


def _after(following: Chunk | None, chunk: Chunk, citation: dict[str, Any]) -> str:
    rest = "" if chunk.is_edited else chunk.text[max(0, citation["end"] - chunk.start) :]
    if following is None or following.is_edited:
        return rest
    return _joined(rest, following.text[max(0, chunk.end - following.start) :], chunk, following)


def _joined(first: str, second: str, earlier: Chunk, later: Chunk) -> str:
    """A gap between chunks was white space: a line break stands for it."""
    return f"{first}\n{second}" if later.start > earlier.end else first + second
