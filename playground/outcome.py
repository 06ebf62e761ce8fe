"""An answer in the making: what it started from, and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from blueprints.models import LLM
from blueprints.providers.base import Completion
from config.status import Status
from playground.answering import Failed, Finished, Prompted, Question, Retrieved, Stopwatch
from playground.models import ChatPrompt
from playground.searching import Rewriting, Rewritten, Search

# Why an answer ended that somebody ended, and what is said where none had begun.
STOPPED = "stopped"
STOPPED_EARLY = "Stopped before the answer began."


@dataclass(frozen=True, slots=True)
class Begun:
    """A prompt that this worker now answers. `question` is None when it cannot be answered."""

    prompt: ChatPrompt
    question: Question | None
    problem: str = ""

    @property
    def llm(self) -> LLM | None:
        return self.question.llm if self.question else None


@dataclass(slots=True)
class Rewrite:
    """A call that asked what to search for. Milliseconds since the answer began."""

    sent: Rewriting
    began_ms: float
    ended_ms: float | None = None
    came_back: Rewritten | None = None

    @property
    def search(self) -> Search | None:
        """What is searched for therefore; None where there is nothing."""
        return self.came_back.search if self.came_back else None


@dataclass(slots=True)
class Outcome:
    """What came of an answer, filled in as its events arrive. Milliseconds since it began."""

    started_at: datetime = field(default_factory=timezone.now)
    watch: Stopwatch = field(default_factory=Stopwatch)
    # A question that is asked in another's place is searched for anew.
    rewrites: list[Rewrite] = field(default_factory=list)
    retrieved: Retrieved | None = None
    prompted: Prompted | None = None
    prompted_ms: float | None = None
    first_token_ms: float | None = None
    ended: Finished | Failed | None = None
    ended_ms: float | None = None
    stopped: bool = False

    @property
    def took_ms(self) -> float:
        """Until it ended; until now while it has not, or was stopped."""
        return self.watch.milliseconds() if self.ended_ms is None else self.ended_ms

    def note_rewrite(self, event: Rewriting | Rewritten) -> None:
        now = self.watch.milliseconds()
        if isinstance(event, Rewriting):
            self.rewrites.append(Rewrite(event, now))
        else:
            self.rewrites[-1].ended_ms, self.rewrites[-1].came_back = now, event

    @property
    def status(self) -> Status:
        if isinstance(self.ended, Finished) or (self.stopped and self.first_token_ms is not None):
            return Status.COMPLETED
        return Status.SKIPPED if self.stopped else Status.ERROR

    @property
    def completion(self) -> Completion | None:
        return self.ended.completion if isinstance(self.ended, Finished) else None

    @property
    def finish_reason(self) -> str:
        if self.completion is not None:
            return self.completion.finish_reason
        return STOPPED if self.stopped else ""

    @property
    def error_message(self) -> str:
        if isinstance(self.ended, Failed):
            return self.ended.message
        return STOPPED_EARLY if self.status == Status.SKIPPED else ""
