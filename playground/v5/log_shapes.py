"""What requests about logs may hold. Fields are read under their own names and given to the services
under theirs; in a change, null clears."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from config.api.fields import Bool, Choice, Float, Int, QueryBool, QueryInt, Str, StrList
from playground.v5.endpoint import PageQuery
from playground.v5.messages import FlowKernel, Message, PromptDetails, ToolKernel
from playground.v5.reading import FreeObject, Shape
from playground.v5.shapes import Named
from tracing.models import LONGEST_NAME, LogStatus

_Field = serializers.Field[Any, Any, Any, Any]
_MOST_SECONDS = 1e9
_MOST_DOLLARS = 1e7
_SMALLEST_COST = Decimal("1e-12")
_MOST_SAMPLED = 10_000


class Moment(_Field):
    """ISO 8601; without an offset it is UTC."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = parse_datetime(data) if isinstance(data, str) else None
            if moment is None:
                raise ValueError
            return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            message = "Input should be a date and time such as 2026-01-31T12:00:00Z"
            raise ValidationError(message, code="datetime_parsing") from error


class Seconds(Float):
    """Kept in milliseconds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=_MOST_SECONDS, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        seconds = super().run_validation(data)
        return seconds if seconds is None else round(seconds * 1000, 9)


class Dollars(Float):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=-_MOST_DOLLARS, max_value=_MOST_DOLLARS, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        dollars = super().run_validation(data)
        return dollars if dollars is None else Decimal(repr(dollars)).quantize(_SMALLEST_COST)


class Kept(_Field):
    """What another field finds right, kept as it was sent."""

    def __init__(self, like: _Field, **options: Any) -> None:
        super().__init__(**options)
        self.like = like

    def to_internal_value(self, data: Any) -> Any:
        self.like.run_validation(data)
        return data


class Called(Shape):
    name = Str(allow_blank=False)


class ChosenFunction(Shape):
    type = Choice(["function"])
    function = Called()


class ToolChoice(_Field):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            _CHOSEN_FUNCTION.run_validation(data)
            return data
        if isinstance(data, str) and data in {"none", "auto", "required"}:
            return data
        message = "Input should be 'none', 'auto', 'required' or a function"
        raise ValidationError(message, code="enum")


class Judgment(_Field):
    """A text, several, a number, or whether something holds."""

    def to_internal_value(self, data: Any) -> Any:
        is_number = isinstance(data, int | float) and math.isfinite(data)
        is_list = isinstance(data, list) and all(isinstance(word, str) for word in data)
        if isinstance(data, str | bool) or is_number or is_list:
            return data
        message = "Input should be a boolean, a number, a string or a list of strings"
        raise ValidationError(message, code="string_type")


def _may(field: type[_Field], *args: Any, **options: Any) -> Any:
    return field(*args, required=False, allow_null=True, **options)


def _name(source: str | None = None) -> Any:
    return _may(Str, max_length=LONGEST_NAME, source=source)


class Outcome(Shape):
    """What every log may say of how a call went."""

    output = _may(Str, source="text")
    error = _may(Str, source="error_message")
    inputs = _may(FreeObject)
    log_status = _may(Choice, LogStatus.values)


class Told(Outcome):
    """And what of when, by whom and where it was made."""

    start_time = _may(Moment, source="started_at")
    end_time = _may(Moment, source="ended_at")
    created_at = _may(Moment)
    provider_latency = _may(Seconds, source="latency_ms")
    stdout = _may(Str)
    provider_request = _may(FreeObject)
    provider_response = _may(FreeObject)
    source = _name()
    metadata = _may(FreeObject)
    source_datapoint_id = _name()
    user = _name("end_user")
    environment = _name()
    batches = _may(StrList)
    trace_parent_id = _may(Str)


class Answered(Shape):
    output_message = _may(Kept, Message())


class Conversed(Answered):
    messages = _may(Kept, Message(many=True))


class Generated(Conversed):
    tool_choice = _may(ToolChoice)
    prompt_tokens = _may(Int, min_value=0, source="input_tokens")
    reasoning_tokens = _may(Int, min_value=0)
    output_tokens = _may(Int, min_value=0)
    prompt_cost = _may(Dollars, source="input_cost")
    output_cost = _may(Dollars)
    finish_reason = _may(Str, max_length=100)


class New(Named):
    log_id = Str(required=False)
    save = Bool(default=True)  # type: ignore[assignment] # no serializer's own is called


class NewPromptLog(New, Told, Generated):
    prompt = PromptDetails(required=False)


class NewFlowLog(New, Told, Conversed):
    flow = FlowKernel(required=False)


class NewToolLog(New, Told, Answered):
    tool = ToolKernel(required=False)


class NewEvaluatorLog(New, Told, Answered):
    parent_id = Str()
    judgment = Judgment(required=False)
    marked_completed = Bool(required=False, source="is_marked_completed")
    spec = FreeObject(required=False)


class PromptLogPatch(Told, Generated):
    pass


class FlowLogPatch(Outcome, Conversed):
    pass


class ToolLogPatch(Told, Answered):
    pass


class LogsQuery(PageQuery):
    file_id = Str()
    version_id = Str(required=False)
    id = StrList(required=False)
    search = Str(default="")
    metadata_search = Str(default="")
    start_date = Moment(required=False)
    end_date = Moment(required=False)
    include_parent = QueryBool(default=False)
    in_trace_filter = StrList(child=QueryBool(), required=False)
    sample = QueryInt(min_value=0, max_value=_MOST_SAMPLED, required=False)
    include_trace_children = QueryBool(default=False)


class LogIdsQuery(Shape):
    id = StrList()


_CHOSEN_FUNCTION = ChosenFunction()
