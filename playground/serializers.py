"""Playgrounds, chats and prompts as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from blueprints.serializers import (
    LLMSettingsSerializer,
    SettingsRequest,
    VectorDatabaseSettingsSerializer,
)
from config.api.case import CamelSerializer, shared
from config.api.fields import (
    PROMPT_STATUSES,
    Choice,
    JsonObject,
    NoneHere,
    NotBuilt,
    QueryBool,
    Sort,
    Str,
    StrList,
    TextOrNull,
)
from config.api.paging import ListQuery
from config.status import Status
from playground.metric_serializers import (
    CustomMetricRequest,
    MetricSerializer,
    ProviderGuardSerializer,
    cost_of,
    guards_of,
    many_of,
)
from playground.models import ChatPrompt, PlaygroundType

LONGEST_NAME = 200
LONGEST_DESCRIPTION = 10_000
LONGEST_TEXT = 500_000


class PlaygroundSerializer(CamelSerializer):
    """The two counts are annotated."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    use_case_id = serializers.CharField()
    playground_type = serializers.ChoiceField(PlaygroundType.choices)
    llm_blueprints_count = serializers.IntegerField()
    saved_llm_blueprints_count = serializers.IntegerField()
    creation_date = serializers.DateTimeField(source="created_at")
    creation_user_id = serializers.CharField(source="created_by_id")
    user_name = serializers.CharField(source="created_by.display_name")
    last_update_date = serializers.DateTimeField(source="updated_at")
    last_update_user_id = serializers.CharField(source="updated_by_id")


class PlaygroundRequest(CamelSerializer):
    use_case_id = Str()
    name = Str(max_length=LONGEST_NAME)
    description = Str(required=False, allow_null=True, max_length=LONGEST_DESCRIPTION)
    playground_type = Choice(PlaygroundType.choices, default=PlaygroundType.RAG)
    copy_insights = NotBuilt()


class PlaygroundPatch(CamelSerializer):
    name = Str(required=False, max_length=LONGEST_NAME)
    description = Str(required=False, allow_null=True, max_length=LONGEST_DESCRIPTION)


class PlaygroundQuery(ListQuery):
    use_case_id = StrList(required=False)
    search = Str(required=False, help_text="Part of the name.")
    sort = Sort(
        {
            "name": "name",
            "description": "description",
            "creation_user_id": "created_by_id",
            "creation_date": "created_at",
            "last_update_user_id": "updated_by_id",
            "last_update_date": "updated_at",
            "saved_llm_blueprints_count": "saved_llm_blueprints_count",
        }
    )


class BlueprintQuery(ListQuery):
    playground_id = Str(required=False)
    llm_ids = StrList(required=False)
    vector_database_ids = StrList(required=False)
    vector_databases = StrList(required=False, help_text="The same as vectorDatabaseIds.")
    is_saved = QueryBool(required=False)
    is_starred = QueryBool(required=False)
    sort = Sort(
        {
            "name": "name",
            "description": "description",
            "creation_user_id": "created_by_id",
            "creation_date": "created_at",
            "last_update_user_id": "updated_by_id",
            "last_update_date": "updated_at",
            "llm_id": "version__llm_id",
            "vector_database_id": "version__vector_database_id",
        }
    )


class _CopyRequest(CamelSerializer):
    name = Str(allow_blank=False, max_length=LONGEST_NAME)
    description = Str(required=False, allow_null=True, max_length=LONGEST_DESCRIPTION)


class BlueprintCopyRequest(_CopyRequest):
    llm_blueprint_id = Str()


class BlueprintFromPromptRequest(_CopyRequest):
    chat_prompt_id = Str()


class ChatSerializer(CamelSerializer):
    """`prompts_count` is annotated."""

    id = serializers.CharField()
    name = serializers.CharField()
    llm_blueprint_id = serializers.CharField(source="blueprint_id")
    is_frozen = serializers.BooleanField()
    prompts_count = serializers.IntegerField()
    warning = NoneHere()
    creation_date = serializers.DateTimeField(source="created_at")
    creation_user_id = serializers.CharField(source="created_by_id")


class ChatRequest(CamelSerializer):
    llm_blueprint_id = Str()
    name = Str(required=False, allow_null=True, max_length=LONGEST_NAME)


class ChatPatch(CamelSerializer):
    name = Str(required=False, allow_blank=False, max_length=LONGEST_NAME)


class ChatQuery(ListQuery):
    llm_blueprint_id = Str(required=False)
    sort = Sort({"name": "name", "creation_date": "created_at"})


class ChatPromptQuery(ListQuery):
    playground_id = Str(required=False)
    llm_blueprint_id = Str(
        required=False, help_text="Only prompts of the oldest chat of this blueprint."
    )
    chat_id = Str(required=False)


class ChatPromptRequest(SettingsRequest):
    """What is sent of the settings is used and written back: to the chat when `chatId` is given,
    else to the blueprint."""

    text = Str(max_length=LONGEST_TEXT)
    chat_id = Str(required=False, allow_null=True)
    llm_blueprint_id = Str(required=False, allow_null=True)
    metadata_filter = JsonObject(required=False, allow_null=True)


class FeedbackMetadataSerializer(CamelSerializer):
    feedback = Choice(
        [("1", "up"), ("0", "down")], required=False, allow_null=True, help_text="1 up, 0 down."
    )


class ChatPromptPatch(CamelSerializer):
    feedback_metadata = FeedbackMetadataSerializer(required=False, allow_null=True)
    custom_metrics = many_of(
        CustomMetricRequest,
        required=False,
        allow_null=True,
        help_text="Added; one of the same name is replaced.",
    )


class CitationSerializer(CamelSerializer):
    text = serializers.CharField()
    source = TextOrNull()  # type: ignore[assignment] # DRF takes it away
    chunk_id = serializers.IntegerField(allow_null=True)
    page = serializers.IntegerField(allow_null=True)
    start_index = serializers.IntegerField(source="start", allow_null=True)
    similarity_score = serializers.FloatField(source="similarity", allow_null=True)
    metadata = JsonObject(allow_null=True)


class FeedbackResultSerializer(CamelSerializer):
    positive_user_ids = serializers.ListField(child=serializers.CharField())
    negative_user_ids = serializers.ListField(child=serializers.CharField())


class ConfidenceScoresSerializer(CamelSerializer):
    rouge = serializers.FloatField()
    meteor = serializers.FloatField()
    bleu = serializers.FloatField()


class ResultMetadataSerializer(CamelSerializer):
    latency_milliseconds = serializers.IntegerField()
    input_token_count = serializers.IntegerField()
    output_token_count = serializers.IntegerField()
    total_token_count = serializers.IntegerField()
    estimated_docs_token_count = serializers.IntegerField()
    feedback_result = FeedbackResultSerializer()
    metrics = MetricSerializer(many=True)
    final_prompt = serializers.JSONField(allow_null=True)
    error_message = TextOrNull()
    cost = serializers.FloatField(
        allow_null=True,
        help_text="By the cost metric of the playground in its currency, else in US dollars.",
    )
    blocked_result_text = TextOrNull(help_text="Said instead of an answer that was withheld.")
    provider_llm_guards = ProviderGuardSerializer(many=True, allow_null=True)


class ChatPromptSerializer(CamelSerializer):
    """Of a prompt with its chat, asker and feedback at hand."""

    id = serializers.CharField()
    text = serializers.CharField()
    chat_id = serializers.CharField()
    chat_context_id = serializers.CharField(source="context_id")
    chat_prompt_ids_included_in_history = serializers.ListField(
        child=serializers.CharField(), source="history_ids"
    )
    llm_blueprint_id = serializers.CharField(source="blueprint_id")
    llm_id = serializers.CharField()
    llm_settings = LLMSettingsSerializer(allow_null=True)
    vector_database_id = serializers.CharField(allow_null=True)
    vector_database_settings = VectorDatabaseSettingsSerializer(
        source="retrieval_settings", allow_null=True
    )
    metadata_filter = JsonObject(allow_null=True)
    citations = serializers.SerializerMethodField()
    confidence_scores = ConfidenceScoresSerializer(allow_null=True)
    creation_date = serializers.DateTimeField(source="created_at")
    creation_user_id = serializers.CharField(source="created_by_id")
    user_name = serializers.CharField(source="asker_name")
    execution_status = serializers.ChoiceField(PROMPT_STATUSES, source="status")
    result_metadata = serializers.SerializerMethodField()
    result_text = serializers.SerializerMethodField()

    @extend_schema_field(CitationSerializer(many=True))
    def get_citations(self, prompt: ChatPrompt) -> list[dict[str, Any]]:
        if not prompt.is_finished:
            return []
        shown = [citation for citation in prompt.citations if citation["text"].strip()]
        return [shared(CitationSerializer).to_representation(citation) for citation in shown]

    @extend_schema_field(ResultMetadataSerializer(allow_null=True))
    def get_result_metadata(self, prompt: ChatPrompt) -> dict[str, Any] | None:
        if not prompt.is_finished:
            return None
        return shared(ResultMetadataSerializer).to_representation(_result_metadata(prompt))

    def get_result_text(self, prompt: ChatPrompt) -> str | None:
        """All results come at once: what there is of an unfinished or broken answer stays back."""
        return prompt.result_text if prompt.status == Status.COMPLETED else None


def _result_metadata(prompt: ChatPrompt) -> dict[str, Any]:
    # Of a failed answer nothing is counted, whatever was spent on it.
    is_counted = prompt.status != Status.ERROR
    input_tokens = (is_counted and prompt.input_tokens) or 0
    output_tokens = (is_counted and prompt.output_tokens) or 0
    return {
        "latency_milliseconds": round((is_counted and prompt.latency_ms) or 0),
        "input_token_count": input_tokens,
        "output_token_count": output_tokens,
        "total_token_count": input_tokens + output_tokens,
        "estimated_docs_token_count": prompt.docs_tokens if is_counted else 0,
        "feedback_result": {
            "positive_user_ids": [mark.user_id for mark in prompt.marks if mark.is_positive],
            "negative_user_ids": [mark.user_id for mark in prompt.marks if not mark.is_positive],
        },
        "metrics": prompt.metrics,
        "final_prompt": prompt.final_prompt or None,
        "error_message": prompt.error_message,
        "cost": cost_of(prompt),
        "blocked_result_text": prompt.blocked_text,
        "provider_llm_guards": guards_of(prompt),
    }
