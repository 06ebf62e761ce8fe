"""What a call of a prompt may hold."""

from typing import Any

from rest_framework import serializers

from config.api.fields import Bool, Int, Str
from playground.v5.log_shapes import Kept, Moment, ToolChoice
from playground.v5.messages import Message, PromptDetails
from playground.v5.reading import FreeObject
from playground.v5.shapes import Named
from tracing.models import LONGEST_NAME, LogStatus

MOST_SAMPLES = 16
_MOST_LOGPROBS = 20
_KEYS = (
    "openai",
    "ai21",
    "mock",
    "anthropic",
    "deepseek",
    "bedrock",
    "cohere",
    "openai_azure",
    "openai_azure_endpoint",
)


class ProviderKeys(serializers.Serializer[Any]):
    """Never stored, and never shown."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: Str(required=False, max_length=1_000) for name in _KEYS}


def _name(source: str | None = None) -> Any:
    return Str(required=False, max_length=LONGEST_NAME, source=source)


class PromptCall(Named):
    prompt = PromptDetails(required=False)
    messages = Kept(Message(many=True), required=False)
    inputs = FreeObject(default=dict)
    tool_choice = ToolChoice(required=False)
    num_samples = Int(default=1, min_value=1, max_value=MOST_SAMPLES)
    stream = Bool(default=False)
    return_inputs = Bool(default=True)
    logprobs = Int(required=False, min_value=0, max_value=_MOST_LOGPROBS)
    suffix = Str(required=False)
    provider_api_keys = ProviderKeys(required=False)
    log_id = Str(required=False)
    trace_parent_id = Str(required=False)
    save = Bool(default=True)  # type: ignore[assignment] # no serializer's own is called
    source = _name()
    user = _name("end_user")
    environment = _name()
    source_datapoint_id = _name()
    metadata = FreeObject(required=False)
    start_time = Moment(required=False, source="started_at")
    end_time = Moment(required=False, source="ended_at")
    log_status = serializers.ChoiceField(LogStatus.values, required=False)
