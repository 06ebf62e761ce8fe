"""A passage in the text around it, put together from the chunks that cover that text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vectordb.models import Chunk, VectorDatabase

# So many characters are shown before and after a chunk, and so many chunks are looked at for them.
AROUND = 10_000
_MOST_CHUNKS = 200


@dataclass(frozen=True, slots=True)
class SourceText:
    """`passage` between what stands `before` and `after` it. `previous` and `following` are the ids
    of the neighbouring chunks, None at the ends of the document."""

    chunk: Chunk
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
    chunks = Chunk.objects.filter(vector_database_id=database.pk)
    chunk = chunks.get(id=chunk_id)
    near = chunks.filter(
        document_id=chunk.document_id,
        id__range=(chunk_id - _MOST_CHUNKS, chunk_id + _MOST_CHUNKS),
        start__lt=chunk.end + AROUND,
        end__gt=chunk.start - AROUND,
    )
    around = {one.id: one for one in near}
    earlier = _in_a_row(around, range(chunk_id - 1, chunk_id - _MOST_CHUNKS - 1, -1))[::-1]
    later = _in_a_row(around, range(chunk_id + 1, chunk_id + _MOST_CHUNKS + 1))
    head, passage, tail = divided(chunk, start, end)
    before = _joined(earlier, chunk.start) + _gap(earlier[-1:], chunk) + head
    after = tail + _gap([chunk], *later[:1]) + _joined(later, None, covered=chunk.end)
    first, last = (earlier or [chunk])[0], (later or [chunk])[-1]
    return SourceText(
        chunk=chunk,
        before=before[-AROUND:],
        passage=passage,
        after=after[:AROUND],
        previous=earlier[-1].id if earlier else None,
        following=later[0].id if later else None,
        is_begun=len(before) > AROUND or chunks.filter(id=first.id - 1).exists(),
        goes_on=len(after) > AROUND or chunks.filter(id=last.id + 1).exists(),
    )


def divided(chunk: Chunk, start: int | None, end: int | None) -> tuple[str, str, str]:
    """What stands before the offsets in the chunk, between them, and after; all of it is between
    where they are not in the chunk."""
    if start is None or end is None or not chunk.start <= start < end <= chunk.end:
        return "", chunk.text, ""
    first, last = start - chunk.start, end - chunk.start
    return chunk.text[:first], chunk.text[first:last], chunk.text[last:]


def _in_a_row(around: dict[int, Chunk], ids: Iterable[int]) -> list[Chunk]:
    """Up to the first id that is missing, as there is between documents."""
    found = []
    for number in ids:
        if number not in around:
            break
        found.append(around[number])
    return found


def _joined(chunks: Sequence[Chunk], until: int | None, *, covered: int = 0) -> str:
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


def _gap(before: Sequence[Chunk], *after: Chunk) -> str:
    """What is between chunks was blank: a line break stands for it."""
    return "\n" if before and after and after[0].start > before[-1].end else ""
