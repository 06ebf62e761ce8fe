"""What was measured of an answer, and the guards of its LLM's provider, as JSON."""

from typing import Any

from rest_framework import serializers

from config.api.case import CamelSerializer
from config.api.fields import PROMPT_STATUSES, Bool, Choice, JsonObject, Str, TextOrNull
from config.status import Status
from playground.models import ChatPrompt

LONGEST_NAME = 200
LONGEST_MESSAGE = 10_000
LONGEST_ID = 100
MOST_METRICS = 100
STAGES = ["prompt_pipeline", "response_pipeline"]


class MetricInterventionSerializer(CamelSerializer):
    action = serializers.ChoiceField(["block", "report", "replace"])
    message = serializers.CharField()


class MetricSerializer(CamelSerializer):
    """A metric of one answer. The keys of `ChatPrompt.metrics` are these names in snake_case; what
    does not apply may be left out there."""

    name = serializers.CharField()
    value = serializers.JSONField(allow_null=True, default=None)
    formatted_name = TextOrNull(default=None)
    formatted_value = TextOrNull(default=None)
    execution_status = serializers.ChoiceField(PROMPT_STATUSES, default=str(Status.COMPLETED))
    error_message = TextOrNull(default=None)
    stage = serializers.ChoiceField(STAGES, allow_null=True, default=None)
    ootb_metric_id = TextOrNull(default=None)
    cost_configuration_id = TextOrNull(default=None)
    evaluation_dataset_configuration_id = TextOrNull(default=None)
    custom_model_id = TextOrNull(default=None)
    custom_model_guard_id = TextOrNull(default=None)
    nemo_metric_id = TextOrNull(default=None)
    sidecar_model_metric_validation_id = TextOrNull(default=None)
    llm_is_deprecated = serializers.BooleanField(allow_null=True, default=None)
    reason = TextOrNull(default=None, help_text="Why the LLM that judged gave this score.")
    intervention = MetricInterventionSerializer(
        allow_null=True, default=None, help_text="What a guard on this metric did."
    )


class AnyJson(JsonObject):
    """Any value, kept exactly as it was sent."""

    def to_internal_value(self, data: Any) -> Any:
        self._check(data, depth=1)
        return data


def _text(longest: int = LONGEST_ID) -> Str:
    return Str(required=False, allow_null=True, max_length=longest)


class CustomMetricRequest(CamelSerializer):
    """A metric that was measured elsewhere."""

    name = Str(allow_blank=False, max_length=LONGEST_NAME)
    # Clients leave out what is null.
    value = AnyJson(allow_null=True, default=None)
    formatted_name = _text(LONGEST_NAME)
    formatted_value = _text(LONGEST_NAME)
    execution_status = Choice(PROMPT_STATUSES, default=str(Status.COMPLETED))
    error_message = _text(LONGEST_MESSAGE)
    stage = Choice(STAGES, required=False, allow_null=True)
    ootb_metric_id = _text()
    cost_configuration_id = _text()
    evaluation_dataset_configuration_id = _text()
    custom_model_id = _text()
    custom_model_guard_id = _text()
    nemo_metric_id = _text()
    sidecar_model_metric_validation_id = _text()
    llm_is_deprecated = Bool(required=False, allow_null=True)


class ProviderGuardSerializer(CamelSerializer):
    """A finding of the content filter that the LLM's provider runs."""

    name = serializers.CharField()
    satisfy_criteria = serializers.BooleanField(help_text="False where the filter stepped in.")
    stage = serializers.ChoiceField(["prompt", "response"])
    value = serializers.CharField(help_text="How severe, or what was found.")


def many_of(shape: type[CamelSerializer], **options: Any) -> Any:
    """A list that may be null; with `many=True` its entries might be too."""
    return serializers.ListSerializer(child=shape(), max_length=MOST_METRICS, **options)


def guards_of(prompt: ChatPrompt) -> list[dict[str, Any]] | None:
    """In the words of the wire."""
    if not prompt.provider_guards:
        return None
    return [
        {
            "name": guard["name"],
            "satisfy_criteria": not guard.get("filtered"),
            "stage": guard["stage"],
            "value": guard.get("severity")
            or ("detected" if guard.get("detected", True) else "not detected"),
        }
        for guard in prompt.provider_guards
    ]


def cost_of(prompt: ChatPrompt) -> float | None:
    """By the team's own prices where there are any for its LLM, else by the price list."""
    for metric in prompt.metrics:
        if metric.get("cost_configuration_id"):
            value = metric.get("value")
            return float(value) if isinstance(value, int | float) else None
    return None if prompt.cost is None else float(prompt.cost)
