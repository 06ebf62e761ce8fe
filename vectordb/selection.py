"""Which passages are sent, and how much of each. Pure computing on passages, the best first."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from vectordb.passages import Passage
from vectordb.tokens import count_tokens, cut_to_tokens


def without_overlap(passages: Iterable[Passage], model_id: str) -> list[Passage]:
    """Each passage without what a better one of the same document says already.

    Takes and returns them best first; one of which nothing is left is dropped.
    """
    kept: list[Passage] = []
    for passage in passages:
        trimmed = _trimmed(passage, kept, model_id)
        if trimmed is not None:
            kept.append(trimmed)
    return kept


def _trimmed(passage: Passage, kept: Sequence[Passage], model_id: str) -> Passage | None:
    """Starts and ends of chunks only ever grow, so what overlaps lies at one of the two ends. What
    an edited chunk shares with others nobody knows."""
    start, end = passage.start, passage.end
    for other in kept:
        if not _is_in_same_document(other, passage):
            continue
        if (other.is_edited or passage.is_edited) and other.position != passage.position:
            continue
        if other.position < passage.position:
            start = max(start, other.end)
        elif other.position > passage.position:
            end = min(end, other.start)
        else:
            return None
    if (start, end) == (passage.start, passage.end):
        return passage
    text = passage.text[start - passage.start : max(0, end - passage.start)]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    if not text:
        return None
    return replace(
        passage,
        text=text,
        start=start,
        end=start + len(text),
        token_count=count_tokens(text, model_id),
    )


def _is_in_same_document(other: Passage, passage: Passage) -> bool:
    """A file may hold many documents, each with a name of its own."""
    theirs = (other.document_id, other.document_name)
    return theirs == (passage.document_id, passage.document_name)


def cap(passages: Sequence[Passage], limit: int | None, model_id: str) -> list[Passage]:
    """The first passages whose tokens sum up to `limit` at most, whole.

    When not even the first fits, it is cut at the limit and marked.
    """
    if limit is None:
        return list(passages)
    left = limit
    kept: list[Passage] = []
    for passage in passages:
        if passage.token_count > left:
            break
        kept.append(passage)
        left -= passage.token_count
    return kept or _cut(passages, limit, model_id)


def _cut(passages: Sequence[Passage], limit: int, model_id: str) -> list[Passage]:
    if not passages or limit < 1:
        return []
    first = passages[0]
    text = cut_to_tokens(first.text, limit, model_id)
    if not text:
        return []
    return [
        replace(
            first,
            text=text,
            end=first.start + len(text),
            token_count=count_tokens(text, model_id),
            is_cut=True,
        )
    ]
