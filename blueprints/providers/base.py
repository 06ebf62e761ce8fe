"""What every LLM client takes and gives. A provider writes `stream` and nothing else."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, Protocol, TypedDict

from config.errors import AppError


class Message(TypedDict):
    """Chats have texts alone; programs may send all that the provider takes."""

    role: str  # "system", "user" or "assistant"; from programs "developer" and "tool" too
    content: str | list[dict[str, Any]] | None
    name: NotRequired[str]
    tool_call_id: NotRequired[str]
    tool_calls: NotRequired[list[dict[str, Any]]]


def text_of(message: Message) -> str:
    """Its content without what is no text."""
    content = message["content"]
    if isinstance(content, str):
        return content
    parts = (part.get("text") for part in content or ())
    return "\n".join(text for text in parts if isinstance(text, str))


@dataclass(frozen=True, slots=True)
class Source:
    """A retrieved passage as the LLM sees it: `number` is its citation number, from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class LLMRequest:
    """One question to an LLM. `question` and `sources` are also contained in `messages`; the
    built-in LLM, which reads no prompts, works from them directly.

    `options` are further parameters, by the names that they have in OpenAI's API. An `api_key` is
    used in place of the endpoint's own, for this call alone.
    """

    messages: tuple[Message, ...]
    model_name: str
    question: str
    sources: tuple[Source, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    max_completion_length: int | None = None  # tokens
    options: Mapping[str, Any] = field(default_factory=dict)
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TextPiece:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallPiece:
    """A piece of the calls that the LLM asks for, as OpenAI streams them: each has an `index`."""

    deltas: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Completion:
    """The end of an answer. Token counts are None when the provider did not tell them; `output_tokens`
    include those of unseen thoughts, which `reasoning_tokens` tells. `request` and `response` are
    what went to the provider, and what its pieces amount to."""

    finish_reason: str  # "stop", "length", "content_filter", "tool_calls"
    input_tokens: int | None = None
    output_tokens: int | None = None
    model_name: str = ""  # as the provider names what really answered
    guards: list[dict[str, Any]] = field(default_factory=list)
    reasoning_tokens: int | None = None
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    logprobs: list[dict[str, Any]] | None = None
    request: dict[str, Any] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=dict)


class ProviderError(AppError):
    """The LLM did not answer, or not to the end. The message says why and what to do about it.

    `permanent` is True when trying again unchanged cannot help. `guards` are the provider's own
    that refused the prompt. `status` is the HTTP status by which it was refused; None where there
    was no answer at all.
    """

    status: int | None = None

    def __init__(
        self, message: str, *, permanent: bool = True, guards: tuple[dict[str, Any], ...] = ()
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.guards = guards


Piece = TextPiece | ToolCallPiece | Completion


class Client(Protocol):
    def stream(self, request: LLMRequest) -> AsyncGenerator[Piece, None]:
        """The answer in pieces, then exactly one Completion.

        Raises ProviderError; pieces that were yielded before it stay valid. Closing the
        iterator early ends the provider's call.
        """
        ...
