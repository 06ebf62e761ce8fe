"""What every LLM client takes and gives. A provider writes `stream` and nothing else."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict

from config.errors import AppError


class Message(TypedDict):
    role: str  # "system", "user" or "assistant"
    content: str


@dataclass(frozen=True, slots=True)
class Source:
    """A retrieved passage as the LLM sees it: `number` is its citation number, from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class LLMRequest:
    """One question to an LLM. `question` and `sources` are also contained in `messages`; the
    built-in LLM, which reads no prompts, works from them directly."""

    messages: tuple[Message, ...]
    model_name: str
    question: str
    sources: tuple[Source, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    max_completion_length: int | None = None  # tokens


@dataclass(frozen=True, slots=True)
class TextPiece:
    text: str


@dataclass(frozen=True, slots=True)
class Completion:
    """The end of an answer. Token counts are None when the provider did not tell them."""

    finish_reason: str  # "stop", "length", "content_filter"
    input_tokens: int | None = None
    output_tokens: int | None = None
    model_name: str = ""  # as the provider names what really answered
    guards: list[dict[str, Any]] = field(default_factory=list)


class ProviderError(AppError):
    """The LLM did not answer, or not to the end. The message says why and what to do about it.

    `permanent` is True when trying again unchanged cannot help. `guards` are the provider's own
    that refused the prompt.
    """

    def __init__(
        self, message: str, *, permanent: bool = True, guards: tuple[dict[str, Any], ...] = ()
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.guards = guards


class Client(Protocol):
    def stream(self, request: LLMRequest) -> AsyncGenerator[TextPiece | Completion, None]:
        """The answer's text in pieces, then exactly one Completion.

        Raises ProviderError; pieces that were yielded before it stay valid. Closing the
        iterator early ends the provider's call.
        """
        ...
