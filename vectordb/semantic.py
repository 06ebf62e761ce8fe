"""Sentences to chunks that end where the meaning changes.

Two neighbouring sentences belong together unless their vectors are farther apart than is usual in
the text around them (more than a standard deviation above the mean), or the chunk would grow longer
than it may be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vectordb.chunking import Chunk
from vectordb.tokens import count_tokens

if TYPE_CHECKING:
    from vectordb.embedding import Vectors

# So many sentences are looked at together; the last of their chunks waits for what follows.
WINDOW = 256
_MOST_IN_A_CHUNK = 64


@dataclass
class Grouper:
    """Takes a document's sentences in order and gives back chunks of at most `size` tokens."""

    model_id: str
    size: int
    embed: Callable[[Sequence[str]], "Vectors"]
    _sentences: list[Chunk] = field(default_factory=list)
    _position: int = 0
    _last: Chunk | None = None  # the last sentence of the last chunk

    def add(self, sentences: Sequence[Chunk]) -> list[Chunk]:
        self._sentences.extend(sentences)
        chunks: list[Chunk] = []
        while len(self._sentences) >= WINDOW:
            # Chunks are so small that there is always more than one of them here.
            *groups, last = self._groups(self._sentences[:WINDOW])
            chunks.extend(self._joined(groups))
            self._sentences = last + self._sentences[WINDOW:]
        return chunks

    def finish(self) -> list[Chunk]:
        sentences, self._sentences = self._sentences, []
        return self._joined(self._groups(sentences)) if sentences else []

    def _groups(self, sentences: list[Chunk]) -> list[list[Chunk]]:
        distances = self._distances(sentences)
        usual = _usual(distances)
        groups, tokens = [[sentences[0]]], sentences[0].token_count
        for sentence, distance in zip(sentences[1:], distances, strict=True):
            group = groups[-1]
            tokens += sentence.token_count
            is_full = tokens > self.size or len(group) == _MOST_IN_A_CHUNK
            if is_full or distance > usual or not _is_next(group[-1], sentence):
                groups.append([sentence])
                tokens = sentence.token_count
            else:
                group.append(sentence)
        return groups

    def _distances(self, sentences: list[Chunk]) -> list[float]:
        """Cosine distance of each sentence to the one before."""
        vectors = self.embed([sentence.text for sentence in sentences])
        similarities = (vectors[1:] * vectors[:-1]).sum(axis=1)
        return [1 - float(similarity) for similarity in similarities]

    def _joined(self, groups: list[list[Chunk]]) -> list[Chunk]:
        chunks: list[Chunk] = []
        for group in groups:
            whole = "".join(sentence.text for sentence in group)
            text = whole.strip()
            if not text:
                continue
            first, before, self._last = group[0], self._last, group[-1]
            # Between documents a position is left out, as it is between their sentences.
            if before is not None and not _is_in_same_document(before, first):
                self._position += 1
            start = first.start + len(whole) - len(whole.lstrip())
            chunks.append(
                replace(
                    first,
                    position=self._position,
                    start=start,
                    end=start + len(text),
                    token_count=count_tokens(text, self.model_id),
                    text=text,
                )
            )
            self._position += 1
        return chunks


def _usual(distances: list[float]) -> float:
    """The mean and a standard deviation."""
    if not distances:
        return 0.0
    mean = sum(distances) / len(distances)
    variance = sum((distance - mean) ** 2 for distance in distances) / len(distances)
    return float(mean + variance**0.5)


def _is_next(before: Chunk, sentence: Chunk) -> bool:
    """Whether the two may stand in one chunk."""
    return (
        _is_in_same_document(before, sentence)
        and before.end == sentence.start
        and before.page == sentence.page
        and before.row == sentence.row
    )


def _is_in_same_document(before: Chunk, sentence: Chunk) -> bool:
    return (before.metadata or {}).get("source") == (sentence.metadata or {}).get("source")
