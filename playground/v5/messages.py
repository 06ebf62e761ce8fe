"""What templates, calls and logs share: messages, tools, and values of more than one type."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from blueprints.prompt_files import read_prompt_file
from config.api.fields import Bool, Choice, Float, Int, Str
from playground.v5 import ids
from playground.v5.reading import FreeObject, Shape, check_json

ROLES = ("user", "assistant", "system", "tool", "developer")


class Compact(Shape):
    """A part of a body: what is null in it is as good as absent."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict):
            data = {name: value for name, value in data.items() if value is not None}
        return dict(super().to_internal_value(data))


class TextPart(Compact):
    type = Choice(["text"])
    text = Str()


class Image(Compact):
    url = Str()
    detail = Choice(["high", "low", "auto"], required=False)


class ImagePart(Compact):
    type = Choice(["image_url"])
    image_url = Image()


class Part(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        is_image = isinstance(data, dict) and data.get("type") == "image_url"
        return _IMAGE.run_validation(data) if is_image else _TEXT.run_validation(data)


class Content(serializers.Field[Any, Any, Any, Any]):
    """A text, or a list of parts."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            return data
        if isinstance(data, list):
            return [_at(index, _PART, part) for index, part in enumerate(data)]
        raise ValidationError("Input should be a valid string or a list", code="string_type")


class CalledFunction(Compact):
    name = Str()
    arguments = Str(required=False)


class ToolCall(Compact):
    id = Str()
    type = Choice(["function"], default="function")
    function = CalledFunction()


class Message(Compact):
    role = Choice(ROLES)
    content = Content(required=False)
    name = Str(required=False)
    tool_call_id = Str(required=False)
    tool_calls = ToolCall(many=True, required=False)
    thinking = serializers.ListField(child=FreeObject(), required=False)


class ToolFunction(Compact):
    name = Str(allow_blank=False)
    description = Str()
    strict = Bool(required=False)
    parameters = FreeObject(required=False)


class ResponseFormat(Compact):
    type = Choice(["json_object", "json_schema"])
    json_schema = FreeObject(required=False)


class Template(serializers.Field[Any, Any, Any, Any]):
    """The text of a completion, or the messages of a chat."""

    def to_internal_value(self, data: Any) -> Any:
        return data if isinstance(data, str) else _MESSAGES.run_validation(data)


class Stop(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            return data
        if isinstance(data, list) and all(isinstance(word, str) for word in data):
            return data
        raise ValidationError("Input should be a string or a list of strings", code="string_type")


class ReasoningEffort(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data in {"high", "medium", "low"}:
            return data
        if isinstance(data, int) and not isinstance(data, bool) and data >= 0:
            return data
        message = "Input should be 'high', 'medium', 'low' or a number of tokens"
        raise ValidationError(message, code="enum")


class LinkedTools(serializers.Field[Any, Any, Any, Any]):
    """Ids of tools, or the tools as answers tell of them; yields the rows' ids."""

    def to_internal_value(self, data: Any) -> list[str]:
        named = [one.get("id") if isinstance(one, dict) else one for one in _listed(data)]
        if not all(isinstance(name, str) for name in named):
            raise ValidationError("Input should be a list of ids", code="string_type")
        return [ids.bare_file_id("tool", str(name)) for name in named]


class Kernel(Compact):
    """The details that make a prompt's version."""

    model = Str(allow_blank=False, max_length=200)
    endpoint = Choice(["complete", "chat", "edit"], required=False)
    template = Template(required=False)
    template_language = Choice(["default", "jinja"], required=False)
    provider = Str(allow_blank=False, max_length=100, required=False)
    max_tokens = Int(min_value=-1, required=False)
    temperature = Float(required=False)
    top_p = Float(required=False)
    stop = Stop(required=False)
    presence_penalty = Float(min_value=-2, max_value=2, required=False)
    frequency_penalty = Float(min_value=-2, max_value=2, required=False)
    other = FreeObject(required=False)
    seed = Int(min_value=-(2**63), max_value=2**63 - 1, required=False)
    response_format = ResponseFormat(required=False)
    reasoning_effort = ReasoningEffort(required=False)
    tools = ToolFunction(many=True, required=False)
    linked_tools = LinkedTools(required=False)
    attributes = FreeObject(required=False)


class PromptDetails(serializers.Field[Any, Any, Any, Any]):
    """A kernel, or the text of a `.prompt` file."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, str):
            data = read_prompt_file(data)
            check_json(data)
        return dict(_KERNEL.run_validation(data))


class FlowKernel(Compact):
    attributes = FreeObject(default=dict)


class ToolKernel(Compact):
    function = ToolFunction(required=False)
    source_code = Str(required=False)
    setup_values = FreeObject(required=False)
    attributes = FreeObject(required=False)


def _at(index: int, field: Part, data: Any) -> Any:
    """Errors of a list's items are told under their place."""
    try:
        return field.run_validation(data)
    except ValidationError as error:
        before: list[Any] = [{}] * index
        raise ValidationError([*before, error.detail]) from error


def _listed(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise ValidationError("Input should be a valid list", code="list_type")
    return data


_KERNEL = Kernel()
_TEXT = TextPart()
_IMAGE = ImagePart()
_PART = Part()
_MESSAGES = Message(many=True)
