"""Evaluation runs and their figures as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.case import CamelSerializer
from config.api.fields import Choice, NoneHere, QueryBool, Sort, Str, StrList
from config.api.paging import ListQuery
from evaluation.models import AggregationType, MetricAggregation
from vectordb.serializers import ORGANIZATION

LONGEST_NAME = 200
# All that a playground can have, twice over. Each is read off every answer.
MOST_INSIGHTS = 300

_SHARE = {
    "type": "object",
    "required": ["item", "value"],
    "properties": {"item": {"type": "string"}, "value": {"type": "number"}},
}
_FIGURE = {
    "nullable": True,
    "oneOf": [{"type": "number"}, {"type": "array", "items": _SHARE}],
    "description": "A number, or the share of each class; percentages are 0 to 100. "
    "Null where there is none.",
}


def _optional(**more: Any) -> Str:
    return Str(required=False, allow_null=True, **more)


class InsightRequest(CamelSerializer):
    """One metric to aggregate, as supportedInsights lists them. Its id, where it has one, else its
    name says which; without aggregationTypes the values decide."""

    insight_name = Str(allow_blank=False, max_length=LONGEST_NAME)
    ootb_metric_id = _optional()
    ootb_metric_name = _optional()
    cost_configuration_id = _optional()
    stage = _optional()
    aggregation_types = StrList(
        child=Choice(AggregationType.choices), required=False, allow_null=True
    )


class EvaluationRunRequest(CamelSerializer):
    chat_name = Str(max_length=LONGEST_NAME, help_text="The name of the chats that are made.")
    llm_blueprint_ids = StrList(help_text="At least one; all in the playground of the dataset.")
    evaluation_dataset_configuration_id = Str()
    insights_configuration: Any = serializers.ListSerializer(
        child=InsightRequest(), max_length=MOST_INSIGHTS
    )


class EvaluationRunSerializer(CamelSerializer):
    job_id = serializers.CharField(source="id", help_text="For genai/status/{jobId}/.")


class EvaluationDatasetMetricAggregationSerializer(CamelSerializer):
    """Needs `evaluation_chat` with its `run` and `chat`."""

    llm_blueprint_id = serializers.CharField(source="evaluation_chat.chat.blueprint_id")
    evaluation_dataset_configuration_id = serializers.CharField(
        source="evaluation_chat.run.configuration_id", allow_null=True
    )
    ootb_dataset_name = NoneHere()
    metric_name = serializers.CharField()
    dataset_id = serializers.CharField(source="evaluation_chat.run.dataset_id")
    dataset_name = serializers.CharField(source="evaluation_chat.run.dataset_name")
    chat_id = serializers.CharField(source="evaluation_chat.chat_id")
    chat_name = serializers.CharField(source="evaluation_chat.chat.name")
    aggregation_value = serializers.SerializerMethodField()
    aggregation_type = serializers.ChoiceField(AggregationType.choices)
    creation_date = serializers.DateTimeField(source="evaluation_chat.run.created_at")
    creation_user_id = serializers.CharField(source="evaluation_chat.run.created_by_id")
    tenant_id = serializers.SerializerMethodField()
    custom_model_guard_id = NoneHere()

    @extend_schema_field(_FIGURE)
    def get_aggregation_value(self, aggregation: MetricAggregation) -> Any:
        return aggregation.value

    def get_tenant_id(self, aggregation: object) -> str:
        return ORGANIZATION


class EvaluationDatasetMetricAggregationFilter(CamelSerializer):
    llm_blueprint_ids = StrList(required=False)
    chat_ids = StrList(required=False)


class EvaluationDatasetMetricAggregationQuery(ListQuery):
    llm_blueprint_ids = StrList(required=False)
    chat_ids = StrList(required=False)
    evaluation_dataset_configuration_ids = StrList(required=False)
    metric_names = StrList(required=False)
    aggregation_types = StrList(child=Choice(AggregationType.choices), required=False)
    current_configuration_only = QueryBool(
        required=False, help_text="Only of blueprints that are still as they were evaluated."
    )
    non_errored_only = QueryBool(required=False, help_text="Only those with a value.")
    sort = Sort(
        {
            "metric_name": "metric_name",
            "aggregation_type": "aggregation_type",
            "aggregation_value": "value",
            "llm_blueprint_id": "evaluation_chat__chat__blueprint_id",
            "chat_id": "evaluation_chat__chat_id",
            "chat_name": "evaluation_chat__chat__name",
            "dataset_name": "evaluation_chat__run__dataset_name",
            "evaluation_dataset_configuration_id": "evaluation_chat__run__configuration_id",
            "creation_date": "evaluation_chat__run__created_at",
            "creation_user_id": "evaluation_chat__run__created_by_id",
        }
    )
