"""How well a sentence of an answer is supported by what was read, as it is kept and shown."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from blueprints.catalogue import EXTRACTIVE_ID

# Chosen on 48 sentences written about the sample's documents, and on 120 claims about abstracts of
# SciFact, each held against an abstract that is about it, one that is close to it, and any other one;
# docs/chats.md has the figures.
SUPPORTED_FROM = 0.6
WEAK_FROM = 0.45


class Level(StrEnum):
    SUPPORTED = "supported"
    WEAK = "weak"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Support:
    """The passage that supports a sentence best, by its `number`, and how well: 0 to 1. Where the
    sentence cites none (`is_cited`), it is the best of all that were read. `missing` is a figure in the
    sentence that none of its passages has."""

    score: float
    number: int
    is_cited: bool
    missing: str = ""

    @property
    def level(self) -> Level:
        if self.score >= SUPPORTED_FROM:
            return Level.WEAK if self.missing else Level.SUPPORTED
        return Level.WEAK if self.score >= WEAK_FROM else Level.NONE

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def support_from_json(data: Sequence[dict[str, Any]] | None) -> list[Support]:
    return [Support(**one) for one in data or ()]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of an answer's sentences have which support."""

    supported: int
    weak: int
    unsupported: int

    @property
    def sentences(self) -> int:
        return self.supported + self.weak + self.unsupported

    @property
    def share(self) -> float:
        return self.supported / self.sentences


def tally_of(support: Sequence[Support]) -> Tally | None:
    """None where no sentence was measured."""
    if not support:
        return None
    levels = [one.level for one in support]
    return Tally(
        supported=levels.count(Level.SUPPORTED),
        weak=levels.count(Level.WEAK),
        unsupported=levels.count(Level.NONE),
    )


def can_be_measured(*, llm_id: str, is_frozen: bool, text: str, citations: Sequence[Any]) -> bool:
    """Whether passages were read for an answer that people may look at: what evaluations ask, in frozen
    chats, they judge. The built-in LLM cites what it says, but when it says that it found nothing."""
    if is_frozen or not text or not citations:
        return False
    return llm_id != EXTRACTIVE_ID or "[" in text
