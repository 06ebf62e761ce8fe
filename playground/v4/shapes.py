"""What requests of version 4 may hold. Old words: a project is a file, a config a version."""

from typing import Any

from rest_framework import serializers

from config.api.fields import Bool, Int, QueryInt, Str
from playground.v5.log_shapes import Dollars, Judgment, Kept, Moment, Seconds, ToolChoice
from playground.v5.messages import Compact, Kernel, Message, Template, ToolFunction
from playground.v5.reading import FreeObject, Shape
from tracing.models import LONGEST_NAME

_Field = serializers.Field[Any, Any, Any, Any]


class ModelConfig(Kernel):
    """The kernel of a prompt, its template under the name that tells which endpoint is meant."""

    chat_template = Template(required=False)
    prompt_template = Str(required=False)
    tools = serializers.ListField(  # type: ignore[assignment] # descriptions may be missing
        child=FreeObject(), required=False
    )


class ToolConfig(Compact):
    name = Str(allow_blank=False)
    description = Str(default="")
    parameters = FreeObject(required=False)
    source_code = Str(required=False)
    setup_values = FreeObject(required=False)
    other = FreeObject(required=False)


class Config(_Field):
    """Of a model, unless its type says that it is of a tool."""

    def to_internal_value(self, data: Any) -> Any:
        kind = data.get("type") if isinstance(data, dict) else None
        if kind not in (None, "model", "tool"):
            message = "Input should be 'model' or 'tool'"
            raise serializers.ValidationError({"type": [message]}, code="enum")
        if kind == "tool":
            return tool_details(_TOOL.run_validation(data))
        return kernel_of(_MODEL.run_validation(data))


class InSession(Compact):
    """Where a log belongs; what logs, and calls of a model, share."""

    project = Str(required=False)
    project_id = Str(required=False)
    session_id = Str(required=False)
    session_reference_id = Str(required=False)
    parent_id = Str(required=False)
    parent_reference_id = Str(required=False)
    save = Bool(default=True)  # type: ignore[assignment] # no serializer's own is called


class FeedbackOf(Compact):
    type = Str(allow_blank=False, max_length=100)
    value = Judgment(required=False)
    user = Str(max_length=LONGEST_NAME, default="")
    created_at = Moment(required=False)
    unset = Bool(default=False)


class Feedback(FeedbackOf):
    data_id = Str()


class FeedbackOrSeveral(_Field):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list):
            return _FEEDBACKS.run_validation(data)
        return [_FEEDBACK.run_validation(data)]


class Outcome(Shape):
    output = Str(required=False, allow_null=True, source="text")
    error = Str(required=False, allow_null=True, source="error_message")
    duration = Seconds(required=False, allow_null=True, source="latency_ms")


class LogRequest(InSession):
    reference_id = Str(required=False)
    config = Config(required=False)
    config_id = Str(required=False)
    output = Str(required=False, source="text")
    error = Str(required=False, source="error_message")
    duration = Seconds(required=False, source="latency_ms")
    inputs = FreeObject(required=False)
    messages = Kept(Message(many=True), required=False)
    output_message = Kept(Message(), required=False)
    judgment = Judgment(required=False)
    tool_choice = ToolChoice(required=False)
    source = Str(required=False, max_length=LONGEST_NAME)  # type: ignore[assignment] # a field
    metadata = FreeObject(required=False)
    source_datapoint_id = Str(required=False, max_length=LONGEST_NAME)
    environment = Str(required=False, max_length=LONGEST_NAME)
    user = Str(required=False, max_length=LONGEST_NAME, source="end_user")
    feedback = FeedbackOrSeveral(required=False)
    created_at = Moment(required=False)
    stdout = Str(required=False)
    prompt_tokens = Int(required=False, min_value=0, source="input_tokens")
    output_tokens = Int(required=False, min_value=0)
    prompt_cost = Dollars(required=False, source="input_cost")
    output_cost = Dollars(required=False)
    finish_reason = Str(required=False, max_length=100)
    provider_request = FreeObject(required=False)
    provider_response = FreeObject(required=False)


class ReferenceQuery(Shape):
    reference_id = Str()


class LogsQuery(Shape):
    """Pages count from 0."""

    project_id = Str()
    search = Str(default="")
    metadata_search = Str(default="")
    start_date = Moment(required=False)
    end_date = Moment(required=False)
    size = QueryInt(min_value=0, default=50)
    page = QueryInt(min_value=0, default=0)


def kernel_of(config: dict[str, Any]) -> dict[str, Any]:
    """A model's config as the kernel of a prompt."""
    kernel = {**config}
    chat, text = kernel.pop("chat_template", None), kernel.pop("prompt_template", None)
    if "template" not in kernel and (chat is not None or text is not None):
        kernel["template"] = chat if chat is not None else text
        kernel.setdefault("endpoint", "chat" if chat is not None else "complete")
    if "tools" in kernel:
        kernel["tools"] = [
            _FUNCTION.run_validation({"description": "", **tool}) for tool in kernel["tools"]
        ]
    return {"prompt": kernel}


def tool_details(config: dict[str, Any]) -> dict[str, Any]:
    function = {
        name: config[name] for name in ("name", "description", "parameters") if name in config
    }
    tool = {name: config[name] for name in ("source_code", "setup_values") if name in config}
    attributes = {"attributes": {"other": config["other"]}} if config.get("other") else {}
    return {"tool": {"function": function, **tool, **attributes}}


_MODEL = ModelConfig()
_TOOL = ToolConfig()
_FUNCTION = ToolFunction()
_FEEDBACK = FeedbackOf()
_FEEDBACKS = FeedbackOf(many=True)
