"""What a request for a chat completion may hold, and what becomes of it."""

from typing import Any

from rest_framework import serializers

from blueprints.llm_settings import TEMPERATURE_RANGE, TOP_P_RANGE
from blueprints.providers.base import Message
from config.api.fields import Bool, Choice, Float, Int, Str
from config.errors import InvalidInput
from playground.v5.messages import Compact
from playground.v5.reading import FreeObject

MOST_SAMPLES = 16
_MOST_MESSAGES = 2_000
# What goes to the provider under its own name, where it is sent.
_PASSED_ON = (
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "verbosity",
    "user",
)
_LONGEST_NOTE = 200


class MessageShape(Compact):
    role = Choice(["system", "developer", "user", "assistant", "tool"])
    content = serializers.JSONField(required=False)
    refusal = Str(required=False)
    name = Str(required=False)
    tool_call_id = Str(required=False)
    tool_calls = serializers.ListField(child=FreeObject(), required=False)


class StreamOptions(serializers.Serializer[Any]):
    include_usage = Bool(default=False)


class CompletionRequest(serializers.Serializer[Any]):
    model = Str()
    messages = MessageShape(many=True, allow_empty=False, max_length=_MOST_MESSAGES)  # type: ignore[call-arg] # of the list
    stream = Bool(default=False)
    stream_options = StreamOptions(required=False)
    n = Int(default=1, min_value=1, max_value=MOST_SAMPLES)
    temperature = Float(
        required=False, min_value=TEMPERATURE_RANGE[0], max_value=TEMPERATURE_RANGE[1]
    )
    top_p = Float(required=False, min_value=TOP_P_RANGE[0], max_value=TOP_P_RANGE[1])
    max_tokens = Int(required=False, min_value=1)
    max_completion_tokens = Int(required=False, min_value=1)
    stop = serializers.JSONField(required=False)
    tools = serializers.ListField(child=FreeObject(), required=False)
    tool_choice = serializers.JSONField(required=False)
    parallel_tool_calls = Bool(required=False)
    response_format = FreeObject(required=False)
    seed = Int(required=False, min_value=-(2**63), max_value=2**63 - 1)
    presence_penalty = Float(required=False, min_value=-2, max_value=2)
    frequency_penalty = Float(required=False, min_value=-2, max_value=2)
    logit_bias = FreeObject(required=False)
    logprobs = Bool(required=False)
    top_logprobs = Int(required=False, min_value=0, max_value=20)
    reasoning_effort = Str(required=False)
    verbosity = Str(required=False)
    user = Str(required=False, max_length=_LONGEST_NOTE)
    metadata = FreeObject(required=False)
    store = Bool(default=True)
    # Ours: of the template's variables, and which chunks may be read.
    inputs = FreeObject(required=False)
    metadata_filter = FreeObject(required=False)


def messages_of(given: dict[str, Any]) -> list[Message]:
    """Raises InvalidInput for what is no message."""
    return [_message(place, one) for place, one in enumerate(given["messages"])]


def _message(place: int, given: dict[str, Any]) -> Message:
    content = given.get("content", given.get("refusal"))
    is_list = isinstance(content, list) and all(isinstance(part, dict) for part in content)
    if not (content is None or isinstance(content, str) or is_list):
        raise InvalidInput("A text, or a list of parts.", field=f"messages.{place}.content")
    if content is None and not given.get("tool_calls"):
        raise InvalidInput("A message needs content.", field=f"messages.{place}.content")
    optional = {
        name: given[name] for name in ("name", "tool_call_id", "tool_calls") if name in given
    }
    message: Message = {"role": given["role"], "content": content}
    message.update(optional)  # type: ignore[typeddict-item] # as the shape has them
    return message


def parameters_of(given: dict[str, Any]) -> dict[str, Any]:
    """What of the version's own settings is another for this call."""
    told: dict[str, Any] = {name: given[name] for name in ("temperature", "top_p") if name in given}
    longest = given.get("max_completion_tokens", given.get("max_tokens"))
    return told if longest is None else {**told, "max_completion_length": longest}


def options_of(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in _PASSED_ON if name in given}
