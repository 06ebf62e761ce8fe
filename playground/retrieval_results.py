"""What a retrieval test found, as its page shows it: each side alone, and how two differ."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.models import RetrievalSide, RetrievalTest
from vectordb.retrieval_settings import RetrievalMode, RetrievalSettings, Retriever, SearchMode

_NAMES = ("left", "right")
_CAP = "token cap"
_EMBED = "embed"
# In the order in which they are made; each with its name on the page.
_RANKINGS = {
    "meaning": "meaning",
    "words": "words",
    "fusion": "fused",
    "diversity": "difference",
    "rerank": "reranked",
}

_Passage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StageRow:
    """`share` is how much was left, 0 to 1, on a scale on which ten of a million can be seen."""

    stage: dict[str, Any]
    share: float


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage with the number that an answer would give it, and its place in each ranking.

    `shift` is how its rank at the left differs from that at the right, "" where only one side has
    it. Of one that the other side found and dropped later, `why` is the reason.
    """

    number: int
    passage: _Passage
    ranks: list[tuple[str, int]]
    shift: str
    why: str


@dataclass(frozen=True, slots=True)
class SideView:
    """`searches` are the questions that were searched for, where there were several. `cut` is what the token cap left out, `dropped` what other stages did. The second side does
    not embed the question again, so `search_ms` are without that."""

    name: str
    side: RetrievalSide
    settings: list[str]
    searches: list[str]
    stages: list[StageRow]
    milliseconds: float
    search_ms: float
    tokens: int
    passages: list[PassageRow]
    cut: list[_Passage]
    dropped: list[_Passage]

    @property
    def only(self) -> int:
        return sum(not row.shift for row in self.passages)

    @property
    def other_name(self) -> str:
        return _NAMES[1 - _NAMES.index(self.name)]


@dataclass(frozen=True, slots=True)
class Results:
    sides: list[SideView]
    is_compared: bool

    @property
    def shared(self) -> int:
        """How many passages both sides have."""
        return len(self.sides[0].passages) - self.sides[0].only


def results_of(test: RetrievalTest) -> Results:
    """Two sides are compared when both of them found their way to the end."""
    sides = list(test.sides.all())
    if len(sides) == 1 or any(side.error_message for side in sides):
        alone = [_view(name, side, {}, {}) for name, side in zip(_NAMES, sides, strict=False)]
        return Results(alone, is_compared=False)
    left, right = sides
    there = _pairs(left, right)
    here = {other: place for place, other in there.items()}
    at_right = {place: right.passages[other] for place, other in there.items()}
    at_left = {place: left.passages[other] for place, other in here.items()}
    is_one = left.vector_database_id == right.vector_database_id
    views = [
        _view("left", left, at_right, _fates(right) if is_one else {}),
        _view("right", right, at_left, _fates(left) if is_one else {}),
    ]
    return Results(views, is_compared=True)


def _pairs(left: RetrievalSide, right: RetrievalSide) -> dict[int, int]:
    """The places, at the left and at the right, of what is the same passage."""
    is_one = left.vector_database_id == right.vector_database_id
    is_same = _is_same_chunk if is_one else _is_same_text
    free = dict(enumerate(right.passages))
    pairs: dict[int, int] = {}
    for place, passage in enumerate(left.passages):
        other = next((at for at, candidate in free.items() if is_same(passage, candidate)), None)
        if other is not None:
            pairs[place] = other
            del free[other]
    return pairs


def _is_same_chunk(one: _Passage, other: _Passage) -> bool:
    return bool(one["chunk_id"] == other["chunk_id"])


def _is_same_text(one: _Passage, other: _Passage) -> bool:
    """Each database cuts documents in its own way: half of the shorter passage is to be common."""
    if (one["document_id"], one["document_name"]) != (other["document_id"], other["document_name"]):
        return False
    common = min(one["end"], other["end"]) - max(one["start"], other["start"])
    shorter = min(one["end"] - one["start"], other["end"] - other["start"])
    return bool(common > 0 and 2 * common >= shorter)


def _fates(side: RetrievalSide) -> dict[int, str]:
    """What became of chunks that were found and not kept."""
    return {one["chunk_id"]: f"{one['stage']}: {one['why']}" for one in _dropped(side)}


def _dropped(side: RetrievalSide) -> list[_Passage]:
    dropped: list[_Passage] = side.explain.get("dropped", [])
    return dropped


def _view(
    name: str, side: RetrievalSide, others: Mapping[int, _Passage], fates: Mapping[int, str]
) -> SideView:
    stages = side.explain.get("stages", [])
    dropped = _dropped(side)
    return SideView(
        name=name,
        side=side,
        settings=_in_words(side.settings.retrieval_settings),
        searches=side.explain.get("searches", []),
        stages=_stage_rows(stages),
        milliseconds=sum(stage["milliseconds"] for stage in stages),
        search_ms=sum(one["milliseconds"] for one in stages if one["name"] != _EMBED),
        tokens=sum(passage["token_count"] for passage in side.passages),
        passages=[
            PassageRow(
                number=place + 1,
                passage=passage,
                ranks=_ranks(passage["ranks"]),
                shift=_shift(name, passage, others.get(place)),
                why=fates.get(passage["chunk_id"], ""),
            )
            for place, passage in enumerate(side.passages)
        ],
        cut=[one for one in dropped if one["stage"] == _CAP],
        dropped=[one for one in dropped if one["stage"] != _CAP],
    )


def _ranks(ranks: Mapping[str, int]) -> list[tuple[str, int]]:
    known = [(name, ranks[key]) for key, name in _RANKINGS.items() if key in ranks]
    return known + [(key, rank) for key, rank in ranks.items() if key not in _RANKINGS]


def _shift(name: str, passage: _Passage, other: _Passage | None) -> str:
    if other is None:
        return ""
    left, right = passage["rank"], other["rank"]
    if name == _NAMES[1]:
        left, right = right, left
    return "same rank" if left == right else f"rank {left} → {right}"


def _stage_rows(stages: Sequence[dict[str, Any]]) -> list[StageRow]:
    most = max((stage["entered"] for stage in stages), default=0)
    return [
        StageRow(stage, round(math.log1p(stage["left"]) / math.log1p(max(most, 1)), 3))
        for stage in stages
    ]


def _in_words(settings: RetrievalSettings) -> list[str]:
    chunks = f"{settings.documents} chunk{'s' if settings.documents > 1 else ''}"
    words = [str(SearchMode(settings.search_mode).label), chunks]
    if settings.retriever != Retriever.SINGLE_LOOKUP:
        words.insert(0, str(Retriever(settings.retriever).label))
    if settings.retrieval_mode == RetrievalMode.MMR:
        trade_off = settings.maximal_marginal_relevance_lambda
        words.append(f"maximal marginal relevance, λ {trade_off:g}")
    if settings.rerank:
        words.append("reranked")
    if settings.similarity_threshold is not None:
        words.append(f"similarity {settings.similarity_threshold:g} at least")
    if settings.max_tokens is not None:
        words.append(f"cap {settings.max_tokens:,} tokens")
    if settings.add_neighbor_chunks:
        words.append("neighbours")
    return words
