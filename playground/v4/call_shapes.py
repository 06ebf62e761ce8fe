"""What calls of version 4 may hold."""

from typing import Any

from config.api.fields import Bool, Int, Str
from playground.v4.shapes import Config, InSession
from playground.v5.call_shapes import MOST_SAMPLES, ProviderKeys
from playground.v5.log_shapes import Kept, ToolChoice
from playground.v5.messages import Message, ResponseFormat
from playground.v5.reading import FreeObject, Shape
from tracing.models import LONGEST_NAME


class Call(InSession):
    """`config` is what the body calls `model_config`, and `config_id` its `model_config_id`."""

    model_config = Config(required=False, source="config")
    model_config_id = Str(required=False, source="config_id")
    inputs = FreeObject(default=dict)
    source = Str(required=False, max_length=LONGEST_NAME)  # type: ignore[assignment] # a field
    metadata = FreeObject(required=False)
    source_datapoint_id = Str(required=False, max_length=LONGEST_NAME)
    provider_api_keys = ProviderKeys(required=False)
    num_samples = Int(default=1, min_value=1, max_value=MOST_SAMPLES)
    stream = Bool(default=False)
    user = Str(required=False, max_length=LONGEST_NAME, source="end_user")
    seed = Int(required=False, min_value=-(2**63), max_value=2**63 - 1)
    return_inputs = Bool(default=True)
    environment = Str(required=False, max_length=LONGEST_NAME)


class ChatCall(Call):
    messages = Kept(Message(many=True))
    tool_choice = ToolChoice(required=False)
    tool_call = ToolChoice(required=False)
    response_format = ResponseFormat(required=False)


class CompletionCall(Call):
    logprobs = Int(required=False, min_value=0, max_value=20)
    suffix = Str(required=False)


SHAPES: dict[str, type[Shape]] = {"chat": ChatCall, "completion": CompletionCall}

Given = dict[str, Any]
