"""Where a passage is shown in its document."""

from urllib.parse import urlencode

from django.urls import reverse

from vectordb import pdf_pages
from vectordb.models import Chunk, DisabledChunk, Document


def passage_url(
    chunk: Chunk | DisabledChunk, *, start: int | None = None, end: int | None = None
) -> str:
    """The chunk in its document; with offsets, what stands between these is marked. Without a
    script too the browser goes to the mark."""
    url = reverse("vectordb:vector-database-chunk", args=[chunk.vector_database_id, chunk.id])
    return f"{url}{_query(start, end)}#passage"


def places_url(
    chunk: Chunk | DisabledChunk,
    document: Document | None,
    *,
    start: int | None = None,
    end: int | None = None,
) -> str:
    """Where a page tells where on it the passage stands; "" for a chunk that stands on no page, or
    on one of a document that is gone or that the reader does not see."""
    if document is None or chunk.page is None or not pdf_pages.has_pages(document):
        return ""
    keys = [chunk.vector_database_id, chunk.id]
    return reverse("vectordb:vector-database-chunk-places", args=keys) + _query(start, end)


def _query(start: int | None, end: int | None) -> str:
    return "" if start is None or end is None else "?" + urlencode({"start": start, "end": end})
