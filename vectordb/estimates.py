"""What a vector database will take, before it is built: time from what past ones took, and room."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from django.db import connection

from vectordb.chunking import Chunk
from vectordb.lexing import terms
from vectordb.models import CHUNKS_PER_DOCUMENT, Document
from vectordb.postings import POSTING_BYTES

# Of a row besides vector, text and metadata: its header and place, ids, numbers, the language.
ROW_BYTES = 135
# Of its entry in the index of ids.
INDEX_BYTES = 60
# Of a term in the keyword index: a row and its entry in the table's index.
TERM_BYTES = 90
# Longer rows keep their text elsewhere; the others stand on pages, of which the rest is empty.
_LONGEST_ROW = 2_032
_PAGE, _USABLE = 8_192, 8_168

_MOST_INGESTIONS = 20
# The first ingestion of each content: another one of the same may have copied its chunks.
_PACE = """
WITH latest AS (
    SELECT * FROM (
        SELECT DISTINCT ON (d.sha256) i.vector_database_id, i.number, i.finished_at,
            extract(epoch FROM i.finished_at - i.started_at) AS seconds
        FROM vectordb_ingestion i
            JOIN vectordb_document d ON d.id = i.document_id
            JOIN vectordb_vectordatabase v ON v.id = i.vector_database_id
        WHERE i.status = 'COMPLETED' AND i.chunks_count BETWEEN 1 AND 10000
            AND v.embedding_model = %s
        ORDER BY d.sha256, i.finished_at
    ) firsts ORDER BY finished_at DESC LIMIT %s
), counted AS (
    SELECT seconds, (
        SELECT sum(c.token_count) FROM vectordb_chunk c
        WHERE c.vector_database_id = latest.vector_database_id
            AND c.id >= latest.number::bigint * %s AND c.id < (latest.number::bigint + 1) * %s
    ) AS tokens FROM latest
)
SELECT sum(tokens) / nullif(sum(seconds), 0) FROM counted WHERE tokens IS NOT NULL
"""


def tokens_per_second(model_id: str) -> float | None:
    """How fast this installation has read, cut, embedded and stored of late; None for a first time.

    Tokens, not chunks: short chunks are embedded as fast as long ones of the same text.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _PACE, [model_id, _MOST_INGESTIONS, CHUNKS_PER_DOCUMENT, CHUNKS_PER_DOCUMENT]
        )
        (pace,) = cursor.fetchone()
    return None if pace is None else float(pace)


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes for chunks and their `postings` in the keyword index, and how many `terms` that has.

    Above the limit of exact scans an index of the vectors comes on top.
    """

    chunks: int
    postings: int
    terms: int

    def bytes(self, times: float = 1) -> int:
        """For so many times the text; new terms become fewer, as the square root (Heaps' law)."""
        return round((self.chunks + self.postings) * times + TERM_BYTES * self.terms * sqrt(times))


def room_for(chunks: Sequence[Chunk], document: Document, dimensions: int) -> Room:
    """What the document's chunks take: each a vector of two bytes a dimension, its text and
    metadata, a row and its entry in an index, and a posting for each of its terms."""
    own = document.metadata | {"source": document.name}
    found = [set(terms(chunk.text, chunk.language)) for chunk in chunks]
    return Room(
        chunks=sum(_chunk_bytes(chunk, own, dimensions) for chunk in chunks),
        postings=POSTING_BYTES * sum(map(len, found)),
        terms=len(set().union(*found)),
    )


def _chunk_bytes(chunk: Chunk, own: dict[str, Any], dimensions: int) -> int:
    metadata = json.dumps(own | (chunk.metadata or {}), ensure_ascii=False)
    text = len(chunk.text.encode())
    row = 2 * dimensions + ROW_BYTES + len(metadata.encode())
    if row + text > _LONGEST_ROW:
        return _PAGE * row // _USABLE + text + INDEX_BYTES
    return _PAGE // (_USABLE // (row + text)) + INDEX_BYTES
