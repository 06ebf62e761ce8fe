"""A passage in the text around it, put together from the chunks that cover that text.

What stands around is the document's text, whatever editors made of its chunks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vectordb.models import (
    CHUNKS_PER_DOCUMENT,
    FIRST_ADDED,
    Chunk,
    ChunkEdit,
    DisabledChunk,
    VectorDatabase,
)

AnyChunk = Chunk | DisabledChunk

# So many characters are shown before and after a chunk, and so many chunks are looked at for them.
AROUND = 10_000
_MOST_CHUNKS = 200
_LARGEST_ID = 1 << 62


@dataclass(frozen=True, slots=True)
class SourceText:
    """`passage` between what stands `before` and `after` it. `previous` and `following` are the ids
    of the neighbouring chunks, None at the ends of the document."""

    chunk: AnyChunk
    edit: ChunkEdit | None  # what an editor made of it
    before: str
    passage: str
    after: str
    previous: int | None
    following: int | None
    is_begun: bool  # before `before` there is more
    goes_on: bool  # after `after` there is more


def source_text(
    database: VectorDatabase, chunk_id: int, *, start: int | None = None, end: int | None = None
) -> SourceText:
    """The chunk with what is around it; with offsets, only what stands between these is the passage.

    Raises Chunk.DoesNotExist.
    """
    everything = _Everything(database, chunk_id)
    chunk = everything.chunk()
    around = everything.around(chunk)
    earlier = _in_a_row(around, range(chunk_id - 1, chunk_id - _MOST_CHUNKS - 1, -1))[::-1]
    later = _in_a_row(around, range(chunk_id + 1, chunk_id + _MOST_CHUNKS + 1))
    head, passage, tail = divided(chunk, start, end)
    before = _joined(earlier, chunk.start) + _gap(earlier[-1:], chunk) + head
    after = tail + _gap([chunk], *later[:1]) + _joined(later, None, covered=chunk.end)
    first, last = (earlier or [chunk])[0], (later or [chunk])[-1]
    return SourceText(
        chunk=chunk,
        edit=everything.edit(chunk_id),
        before=before[-AROUND:],
        passage=passage,
        after=after[:AROUND],
        previous=earlier[-1].id if earlier else None,
        following=later[0].id if later else None,
        is_begun=len(before) > AROUND or everything.has(first.id - 1),
        goes_on=len(after) > AROUND or everything.has(last.id + 1),
    )


class _Everything:
    """The chunks of a database near one of them: those that searches find, and the disabled ones."""

    def __init__(self, database: VectorDatabase, chunk_id: int) -> None:
        self._id = chunk_id
        self._where = {"vector_database_id": database.pk}
        middle = min(chunk_id, _LARGEST_ID)
        self._near = (middle - _MOST_CHUNKS, middle + _MOST_CHUNKS)
        self._edits = {
            edit.chunk_id: edit
            for edit in database.chunk_edits.select_related("edited_by").filter(
                chunk_id__range=self._near
            )
        }

    def chunk(self) -> AnyChunk:
        found = DisabledChunk.objects.filter(**self._where, id=self._id).first()
        return found or Chunk.objects.get(**self._where, id=self._id)

    def around(self, chunk: AnyChunk) -> dict[int, AnyChunk]:
        if chunk.position >= FIRST_ADDED:
            return {chunk.id: chunk}
        near = {
            **self._where,
            "document_id": chunk.document_id,
            "id__range": self._near,
            "start__lt": chunk.end + AROUND,
            "end__gt": chunk.start - AROUND,
        }
        found: dict[int, AnyChunk] = {one.id: one for one in Chunk.objects.filter(**near)}
        if any(not edit.is_enabled for edit in self._edits.values()):
            found |= {one.id: one for one in DisabledChunk.objects.filter(**near)}
        for number, one in found.items():
            edit = self.edit(number)
            if edit is not None and edit.original and number != self._id:
                one.text = edit.original
        return found

    def edit(self, chunk_id: int) -> ChunkEdit | None:
        return self._edits.get(chunk_id)

    def has(self, chunk_id: int) -> bool:
        if chunk_id % CHUNKS_PER_DOCUMENT >= FIRST_ADDED:
            return False
        kinds = (Chunk, DisabledChunk)
        return any(kind.objects.filter(**self._where, id=chunk_id).exists() for kind in kinds)


def divided(chunk: AnyChunk, start: int | None, end: int | None) -> tuple[str, str, str]:
    """What stands before the offsets in the chunk, between them, and after; all of it is between
    where they are not in the chunk, and where it is not the document's text any more."""
    if (
        chunk.is_edited
        or start is None
        or end is None
        or not chunk.start <= start < end <= chunk.end
    ):
        return "", chunk.text, ""
    first, last = start - chunk.start, end - chunk.start
    return chunk.text[:first], chunk.text[first:last], chunk.text[last:]


def _in_a_row(around: dict[int, AnyChunk], ids: Iterable[int]) -> list[AnyChunk]:
    """Up to the first id that is missing, as there is between documents."""
    found = []
    for number in ids:
        if number not in around:
            break
        found.append(around[number])
    return found


def _joined(chunks: Sequence[AnyChunk], until: int | None, *, covered: int = 0) -> str:
    """Their text from offset `covered` on and up to `until`. Chunks overlap: each character is there
    once."""
    parts: list[str] = []
    for number, chunk in enumerate(chunks):
        end = chunk.end if until is None else min(chunk.end, until)
        # To its end, an edited chunk is longer or shorter than its offsets say.
        last = None if end == chunk.end else end - chunk.start
        if end > covered:
            parts += [
                _gap(chunks[:number][-1:], chunk),
                chunk.text[max(0, covered - chunk.start) : last],
            ]
            covered = end
    return "".join(parts)


def _gap(before: Sequence[AnyChunk], *after: AnyChunk) -> str:
    """What is between chunks was blank: a line break stands for it."""
    return "\n" if before and after and after[0].start > before[-1].end else ""
