"""Evaluation datasets as JSON."""

from rest_framework import serializers

from config.api.case import CamelSerializer
from config.api.fields import Bool, QueryBool, Sort, Str, TextOrNull, WireStatus
from config.api.paging import ListQuery
from evaluation.models import EvaluationDatasetConfiguration
from vectordb.serializers import ORGANIZATION

LONGEST_NAME = 200
LONGEST_COLUMN = 500


class EvaluationDatasetConfigurationSerializer(CamelSerializer):
    """Needs `playground` and `created_by` of the configuration at hand."""

    id = serializers.CharField()
    name = serializers.CharField()
    use_case_id = serializers.CharField(source="playground.use_case_id")
    playground_id = serializers.CharField()
    dataset_id = serializers.CharField()
    dataset_name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes of the file.")
    rows_count = serializers.IntegerField(help_text="Rows that hold a question.")
    prompt_column_name = serializers.CharField()
    response_column_name = TextOrNull()
    tool_calls_column_name = TextOrNull()
    agent_goals_column_name = TextOrNull()
    correctness_enabled = serializers.SerializerMethodField(
        help_text="Whether the dataset has right answers to compare with."
    )
    user_name = serializers.CharField(source="created_by.display_name")
    creation_user_id = serializers.CharField(source="created_by_id")
    creation_date = serializers.DateTimeField(source="created_at")
    tenant_id = serializers.SerializerMethodField()
    execution_status = WireStatus(source="status")
    error_message = TextOrNull()

    def get_correctness_enabled(self, configuration: EvaluationDatasetConfiguration) -> bool:
        return bool(configuration.response_column_name)

    def get_tenant_id(self, configuration: object) -> str:
        return ORGANIZATION


def _optional_column() -> Str:
    return Str(required=False, allow_null=True, max_length=LONGEST_COLUMN)


class EvaluationDatasetConfigurationRequest(CamelSerializer):
    name = Str(max_length=LONGEST_NAME)
    use_case_id = Str()
    playground_id = Str()
    dataset_id = Str(help_text="A dataset with one CSV file.")
    prompt_column_name = Str(
        allow_blank=False, max_length=LONGEST_COLUMN, help_text="The column of the questions."
    )
    response_column_name = _optional_column()
    tool_calls_column_name = _optional_column()
    agent_goals_column_name = _optional_column()
    is_synthetic_dataset = Bool(default=False, help_text="Makes no difference here.")


class EvaluationDatasetConfigurationPatch(CamelSerializer):
    """Null clears the columns that a dataset need not have."""

    name = Str(required=False, max_length=LONGEST_NAME)
    dataset_id = Str(required=False)
    prompt_column_name = Str(required=False, allow_blank=False, max_length=LONGEST_COLUMN)
    response_column_name = _optional_column()
    tool_calls_column_name = _optional_column()
    agent_goals_column_name = _optional_column()


class EvaluationDatasetConfigurationQuery(ListQuery):
    use_case_id = Str(required=False)
    playground_id = Str(required=False)
    evaluation_dataset_configuration_id = Str(required=False)
    search = Str(required=False, help_text="Part of the name.")
    correctness_only = QueryBool(required=False, help_text="Only those with right answers.")
    completed_only = QueryBool(required=False, help_text="Only those that can be run.")
    sort = Sort(
        {
            "name": "name",
            "creation_user_id": "created_by_id",
            "creation_date": "created_at",
            "dataset_id": "dataset_id",
            "dataset_name": "dataset_name",
            "prompt_column_name": "prompt_column_name",
            "response_column_name": "response_column_name",
            "rows_count": "rows_count",
            "size": "size",
        }
    )
