"""Where another app joins the path of an answer, which knows none of them by name.

The app installs its `Oversight` when it is ready. Without one, answers are neither watched nor
scored, and nothing of it costs a query.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import Q

from blueprints.models import Blueprint
from playground.models import ChatPrompt


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to become of a text that was checked. With neither set it passes as it is."""

    message: str | None = None  # said instead: there is no answer, or it is withheld
    text: str | None = None  # taken in its place


PASSED = Ruling()


@dataclass(frozen=True, slots=True)
class Figures:
    """An answer as far as it has come."""

    question: str
    text: str = ""
    passages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # the documents that the passages are from
    input_tokens: int = 0
    output_tokens: int = 0
    document_tokens: int = 0
    latency_ms: float = 0.0  # without the time that watching took
    scores: dict[str, float] | None = None


class Watcher(Protocol):
    """Watches over one answer. What goes wrong in it is told by its metrics, never raised."""

    @property
    def withholds(self) -> bool:
        """Whether nobody may see a piece of the answer before `on_answer` has ruled."""
        ...

    @property
    def spent_ms(self) -> float:
        """How long watching has taken so far."""
        ...

    async def on_question(self, question: str) -> Ruling:
        """Before anything is retrieved. `Ruling.text` is asked in the question's place."""
        ...

    async def on_prompt(self, figures: Figures) -> Ruling:
        """Before the LLM is asked for the answer; what to search for it may have been asked already.
        `Ruling.text` is asked in the question's place."""
        ...

    async def on_answer(self, figures: Figures) -> Ruling:
        """Once the LLM is done. `Ruling.text` stands in the answer's place."""
        ...

    def metrics(self, figures: Figures | None) -> list[dict[str, Any]]:
        """What is kept with the answer: `serializers.MetricSerializer` names the keys. Without
        figures the answer failed."""
        ...


class Oversight(Protocol):
    """What an app brings along."""

    def __hash__(self) -> int:
        """Queries with its annotations are kept by it."""
        ...

    def annotations(self) -> dict[str, Q]:
        """Conditions added to the query that reads a prompt, so that `watcher` need not ask in vain."""
        ...

    def watcher(self, prompt: ChatPrompt) -> Watcher | None:
        """Who watches over this prompt's answer. May read the database."""
        ...

    def watcher_of_call(self, blueprint: Blueprint, llm_id: str) -> Watcher | None:
        """Who watches over the answer that a program asks of the blueprint. May read the database."""
        ...

    def prepare(self) -> None:
        """Load, at a worker's start, what no answer should wait for."""
        ...

    def scores(self, answer: str, passages: Sequence[str]) -> dict[str, float] | None:
        """How far the answer is what the passages say; None where that cannot be told."""
        ...


class _Nobody:
    def annotations(self) -> dict[str, Q]:
        return {}

    def watcher(self, prompt: ChatPrompt) -> None:
        return None

    def watcher_of_call(self, blueprint: Blueprint, llm_id: str) -> None:
        return None

    def prepare(self) -> None:
        return

    def scores(self, answer: str, passages: Sequence[str]) -> None:
        return None


_oversight: Oversight = _Nobody()


def install(oversight: Oversight) -> None:
    global _oversight
    _oversight = oversight


def oversight() -> Oversight:
    return _oversight
