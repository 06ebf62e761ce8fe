"""Metrics, prices and insights as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.case import CamelSerializer
from config.api.fields import (
    Bool,
    Choice,
    Float,
    Int,
    NoneHere,
    QueryBool,
    Str,
    StrList,
    TextOrNull,
    WireStatus,
)
from config.ids import ID_LENGTH
from evaluation.models import AggregationType, MetricName
from evaluation.moderation import Action, Comparator

LONGEST_NAME = 200
LONGEST_MESSAGE = 10_000
LONGEST_COMPARAND = 1_000
LONGEST_CURRENCY = 7
MOST_ENTRIES = 100
HIGHEST_PRICE = 1e9
_ARGUMENTS = [("exact_match", "exact match"), ("ignore_arguments", "ignore arguments")]
_INSIGHT_TYPES = [
    "Reference",
    "Quality metric",
    "Operational metric",
    "Evaluation deployment",
    "Custom metric",
    "Nemo",
]

_WORDS = {"type": "string", "minLength": 1, "maxLength": LONGEST_COMPARAND}


def _many(shape: Any, **options: Any) -> Any:
    return shape(many=True, max_length=MOST_ENTRIES, **options)


class _EitherSpelling(CamelSerializer):
    """The client package writes `customModelLlmValidationId` in some requests, and
    `customModelLLMValidationId` in others."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and "customModelLlmValidationId" in data:
            data = {"customModelLLMValidationId": data["customModelLlmValidationId"], **data}
        return super().to_internal_value(data)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "number"},
            _WORDS,
            {"type": "boolean"},
            {"type": "array", "items": _WORDS, "maxItems": MOST_ENTRIES},
        ]
    }
)
class ComparandField(serializers.Field[Any, Any, Any, Any]):
    """A number, text, true or false, or a list of texts."""

    # Clients refuse a list of metrics with a text without a character in it.
    _text = Str(allow_blank=False, max_length=LONGEST_COMPARAND)
    _texts = StrList(child=_text, max_length=MOST_ENTRIES)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool):
            return data
        if isinstance(data, int | float):
            return Float().run_validation(data)
        if isinstance(data, list):
            return self._texts.run_validation(data)
        return self._text.run_validation(data)

    def to_representation(self, value: Any) -> Any:
        return value


class GuardConditionSerializer(CamelSerializer):
    comparator = Choice(Comparator.choices)
    comparand = ComparandField()


class InterventionSerializer(CamelSerializer):
    action = Choice(Action.choices)
    message = Str(
        allow_blank=False,
        max_length=LONGEST_MESSAGE,
        help_text="Said instead of an answer that is blocked, or put in a text's place.",
    )


class ModerationSerializer(CamelSerializer):
    """What is done about a metric's value: the intervention, when any of the conditions holds."""

    guard_conditions = _many(GuardConditionSerializer, allow_empty=False)
    intervention = InterventionSerializer()


class ToolCallAccuracySerializer(CamelSerializer):
    argument_comparison = Choice(_ARGUMENTS)


class ExtraMetricSettingsSerializer(CamelSerializer):
    """Kept and shown; no metric here reads them."""

    tool_call_accuracy = ToolCallAccuracySerializer(required=False, allow_null=True)

    def to_representation(self, instance: Any) -> Any:
        # Clients refuse the object with a null in it.
        return super().to_representation(instance) if instance.get("tool_call_accuracy") else None


class MetricConfigurationRequest(_EitherSpelling):
    ootb_metric_name = Choice(MetricName.choices)
    custom_ootb_metric_name = Str(required=False, allow_null=True, max_length=LONGEST_NAME)
    llm_id = Str(
        required=False,
        allow_null=True,
        help_text="Who judges: for faithfulness, correctness and the violations.",
    )
    custom_model_llm_validation_id = Str(required=False, allow_null=True, max_length=ID_LENGTH)
    moderation_configuration = ModerationSerializer(required=False, allow_null=True)
    extra_metric_settings = ExtraMetricSettingsSerializer(required=False, allow_null=True)


class MetricConfigurationsRequest(CamelSerializer):
    ootb_metric_configurations = _many(MetricConfigurationRequest)


class MetricConfigurationSerializer(CamelSerializer):
    """Of `metrics.Described`."""

    ootb_metric_configuration_id = serializers.CharField(source="configuration.pk")
    ootb_metric_name = serializers.ChoiceField(MetricName.choices, source="configuration.name")
    custom_ootb_metric_name = TextOrNull(source="configuration.custom_name")
    llm_id = TextOrNull(source="configuration.llm_id")
    custom_model_llm_validation_id = TextOrNull(
        source="configuration.custom_model_llm_validation_id"
    )
    moderation_configuration = ModerationSerializer(
        source="configuration.moderation", allow_null=True
    )
    extra_metric_settings = ExtraMetricSettingsSerializer(
        source="configuration.extra_settings", allow_null=True
    )
    execution_status = WireStatus(source="status")
    error_message = TextOrNull(source="problem.message", default=None)
    error_resolution = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField(), allow_null=True))
    def get_error_resolution(self, described: Any) -> list[str] | None:
        return [described.problem.resolution] if described.problem else None


class MetricConfigurationsSerializer(CamelSerializer):
    ootb_metric_configurations = MetricConfigurationSerializer(many=True)


class PriceSerializer(_EitherSpelling):
    """What an LLM costs: so much for so many tokens."""

    llm_id = Str(allow_blank=False)
    custom_model_llm_validation_id = Str(
        required=False, allow_null=True, default=None, max_length=ID_LENGTH
    )
    currency_code = Str(allow_blank=False, default="USD", max_length=LONGEST_CURRENCY)
    input_token_price = Float(default=0.01, min_value=0, max_value=HIGHEST_PRICE)
    reference_input_token_count = Int(default=1000, min_value=0)
    output_token_price = Float(default=0.01, min_value=0, max_value=HIGHEST_PRICE)
    reference_output_token_count = Int(default=1000, min_value=0)


class CostConfigurationRequest(CamelSerializer):
    use_case_id = Str()
    playground_id = Str()
    name = Str(required=False, allow_null=True, max_length=LONGEST_NAME)
    cost_metric_configurations = _many(PriceSerializer)


class CostConfigurationPatch(CamelSerializer):
    name = Str(required=False, allow_null=True, max_length=LONGEST_NAME)
    cost_metric_configurations = _many(PriceSerializer, required=False)


class CostConfigurationSerializer(CamelSerializer):
    cost_configuration_id = serializers.CharField(source="pk")
    use_case_id = serializers.CharField(source="playground.use_case_id")
    playground_id = serializers.CharField()
    # Clients need one, if without a character: for them null is absent.
    name = serializers.CharField()
    cost_metric_configurations = PriceSerializer(source="prices", many=True)


class InsightSerializer(CamelSerializer):
    """A metric of a playground, as evaluations take it. Of `insights.Insight`."""

    insight_name = serializers.CharField(source="name")
    insight_type = serializers.ChoiceField(_INSIGHT_TYPES)
    ootb_metric_id = TextOrNull(source="configuration.pk", default=None)
    ootb_metric_name = TextOrNull(source="configuration.name", default=None)
    cost_configuration_id = TextOrNull(default=None)
    evaluation_dataset_configuration_id = NoneHere()
    llm_id = TextOrNull(source="configuration.llm_id", default=None)
    custom_model_llm_validation_id = TextOrNull(
        source="configuration.custom_model_llm_validation_id", default=None
    )
    result_unit = TextOrNull(source="unit")
    stage = TextOrNull()
    execution_status = WireStatus(source="status")
    error_message = TextOrNull(source="problem.message", default=None)
    error_resolution = TextOrNull(source="problem.resolution", default=None)
    moderation_configuration = ModerationSerializer(
        source="configuration.moderation", allow_null=True, default=None
    )
    guard_conditions = GuardConditionSerializer(
        source="configuration.moderation.guard_conditions", many=True, allow_null=True, default=None
    )
    extra_metric_settings = ExtraMetricSettingsSerializer(
        source="configuration.extra_settings", allow_null=True, default=None
    )
    aggregation_types = serializers.ListField(
        child=serializers.ChoiceField(AggregationType.choices)
    )
    deployment_id = NoneHere()
    model_id = NoneHere()
    sidecar_model_metric_validation_id = NoneHere()
    custom_metric_id = NoneHere()
    nemo_metric_id = NoneHere()
    guard_template_id = NoneHere()
    guard_configuration_id = NoneHere()
    model_package_registered_model_id = NoneHere()
    custom_model_guard = NoneHere()
    sidecar_model_metric_metadata = NoneHere()


class InsightsSerializer(CamelSerializer):
    insights_configuration = InsightSerializer(many=True)


class InsightsQuery(CamelSerializer):
    llm_blueprint_ids = StrList(
        required=False, help_text="Only what at least one of these blueprints can have."
    )
    with_aggregation_types_only = QueryBool(default=False)
    production_only = QueryBool(
        default=False, help_text="Only what needs nothing that evaluations alone have."
    )
    completed_only = QueryBool(default=False, help_text="Only what can be measured.")


class InsightsCopyRequest(CamelSerializer):
    add_to_existing = Bool(default=True, help_text="Else what the playground has is replaced.")
    with_evaluation_datasets = Bool(default=False)
