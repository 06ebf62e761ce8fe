"""The messages and parameters of a call: the version's own, the caller's, and what was retrieved."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from blueprints.prompt_details import JSON, PromptDetails
from blueprints.providers.base import Message, text_of
from config.threads import in_template_thread
from playground.prompting import Turn, own_messages, with_sources
from vectordb.passages import Passage

if TYPE_CHECKING:
    from playground.calls.calling import Call

_OURS = {
    "model",
    "messages",
    "stream",
    "stream_options",
    "n",
    "max_tokens",
    "max_completion_tokens",
}
# What a version says of these goes to the provider under the same name.
_PASSED_ON = (
    "presence_penalty",
    "frequency_penalty",
    "stop",
    "seed",
    "response_format",
    "reasoning_effort",
)


async def filled_with(call: "Call", inputs: JSON | None) -> "Call":
    """With these inputs in its own messages. Raises InvalidInput where they do not fit."""
    said = call.settings
    own = await in_template_thread(own_messages, said.llm_settings, said.prompt, inputs)
    return replace(call, inputs=inputs, own=tuple(own), is_filled=True)


def history_in(messages: Sequence[Message]) -> tuple[Turn, ...]:
    """The questions before the last one, each with what was answered."""
    turns: list[Turn] = []
    question = ""
    for message in messages:
        if message["role"] == "user":
            question = text_of(message)
        elif message["role"] == "assistant" and question and (text := text_of(message)):
            turns.append(Turn("", question, text))
            question = ""
    return tuple(turns)


def with_passages(messages: Sequence[Message], passages: Sequence[Passage]) -> list[Message]:
    """The passages stand before the question, as in chats."""
    last = next((text_of(one) for one in reversed(messages) if one["role"] == "user"), None)
    if not passages or last is None:
        return list(messages)
    return with_question(messages, with_sources(last, passages))


def with_question(messages: Sequence[Message], text: str) -> list[Message]:
    """With this for the text of the user's last message; what is no text of it stays."""
    changed = list(messages)
    place = max(place for place, one in enumerate(changed) if one["role"] == "user")
    last = changed[place]
    content: str | list[dict[str, Any]] = text
    if isinstance(last["content"], list):
        others = [part for part in last["content"] if part.get("type") != "text"]
        content = [{"type": "text", "text": text}, *others]
    changed[place] = {**last, "content": content}
    return changed


def options_of(prompt: PromptDetails, *, with_tools: bool = True) -> dict[str, Any]:
    """What a version says of the LLM's parameters, as the provider takes it; what decides who is asked
    what, and how much, is no parameter."""
    told = {name: getattr(prompt, name) for name in _PASSED_ON}
    options = {name: value for name, value in told.items() if value is not None}
    if prompt.tools and with_tools:
        options["tools"] = [{"type": "function", "function": tool} for tool in prompt.tools]
    other = prompt.other or {}
    return options | {name: value for name, value in other.items() if name not in _OURS}
