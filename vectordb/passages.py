"""What retrieval hands to whoever asked: passages, and how they were chosen."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, ready to be quoted.

    `similarity` is the cosine similarity to the question, -1 to 1, or to the most similar of the
    questions that were searched for; a neighbour that was not itself a hit has its own too. `start` and `end` are character offsets in the document's extracted text.
    `ranks` is its place, from 1, in each ranking that knew it; a neighbour was in none.
    """

    chunk_id: int
    document_id: str
    document_name: str
    page: int | None
    position: int
    start: int
    end: int
    text: str
    token_count: int
    similarity: float
    rank: int  # of the hit it came with, from 1
    is_neighbor: bool = False
    is_cut: bool = False  # shortened to fit the token cap
    is_edited: bool = False  # its text is not what the document has between the offsets
    metadata: dict[str, Any] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A passage that ranking had chosen and a later stage kept from the answer; without its text."""

    chunk_id: int
    document_id: str
    document_name: str
    page: int | None
    position: int
    rank: int
    token_count: int
    stage: str
    why: str

    @classmethod
    def of(cls, passage: Passage, stage: str, why: str) -> "Dropped":
        return cls(
            passage.chunk_id,
            passage.document_id,
            passage.document_name,
            passage.page,
            passage.position,
            passage.rank,
            passage.token_count,
            stage,
            why,
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of retrieval: how many passages went in, how many came out, and why."""

    name: str
    entered: int
    left: int
    milliseconds: float
    note: str = ""


@dataclass
class Record:
    """The stages so far; each took from the end of the one before. And what they did with each
    passage: `rankings` are names with chunk ids, best first. `search` says which of several
    searches the stages belong to."""

    stages: list[Stage] = field(default_factory=list)
    rankings: list[tuple[str, Sequence[int]]] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    search: str = ""
    _since: float = field(default_factory=time.perf_counter)

    def note(self, name: str, entered: int, left: int, note: str = "") -> None:
        now = time.perf_counter()
        self._add(name, entered, left, (now - self._since) * 1000, note)
        self._since = now

    def note_at_once(self, name: str, entered: int, left: int, note: str = "") -> None:
        """Of a stage whose time is that of the next one."""
        self._add(name, entered, left, 0.0, note)

    def _add(self, name: str, entered: int, left: int, milliseconds: float, note: str) -> None:
        note = " · ".join(filter(None, (self.search, note)))
        self.stages.append(Stage(name, entered, left, round(milliseconds, 3), note))

    def rank(self, name: str, chunk_ids: Sequence[int]) -> None:
        self.rankings.append((name, chunk_ids))

    def ranks_of(self, chunk_ids: Iterable[int]) -> dict[int, dict[str, int]]:
        """The place of each chunk, from 1, in each ranking that knew it; the best one of several
        rankings of a name."""
        ranks: dict[int, dict[str, int]] = {chunk_id: {} for chunk_id in chunk_ids}
        for name, ranking in self.rankings:
            for place, chunk_id in enumerate(ranking, 1):
                if chunk_id in ranks:
                    known = ranks[chunk_id]
                    known[name] = min(place, known.get(name, place))
        return ranks


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Passages in the order in which they are sent, and the record of their choice."""

    passages: tuple[Passage, ...]
    stages: tuple[Stage, ...]
    query: str
    search: str  # how vectors were looked up: "exact", the kind of index, or "" when they were not
    dropped: tuple[Dropped, ...] = ()
    searches: tuple[str, ...] = ()  # what was searched for, where that is not the query alone

    @property
    def token_count(self) -> int:
        return sum(passage.token_count for passage in self.passages)

    @property
    def milliseconds(self) -> float:
        return sum(stage.milliseconds for stage in self.stages)

    def explain(self) -> dict[str, Any]:
        """The record as JSON; texts are left out, chunk ids say which passages were meant."""
        return {
            "query": self.query,
            "searches": list(self.searches),
            "search": self.search,
            "stages": [asdict(stage) for stage in self.stages],
            "passages": [
                {
                    "chunk_id": passage.chunk_id,
                    "similarity": passage.similarity,
                    "rank": passage.rank,
                    "is_neighbor": passage.is_neighbor,
                    "is_cut": passage.is_cut,
                    "token_count": passage.token_count,
                    "ranks": passage.ranks,
                }
                for passage in self.passages
            ],
            "dropped": [asdict(passage) for passage in self.dropped],
        }
