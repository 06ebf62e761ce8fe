"""Comparisons as JSON."""

from typing import Any

from rest_framework import serializers

from config.api.case import CamelSerializer, camel
from config.api.fields import JsonObject, Sort, Str, StrList
from config.api.paging import ListQuery
from playground.models import ComparisonPrompt
from playground.serializers import (
    LONGEST_NAME,
    LONGEST_TEXT,
    ChatPromptSerializer,
    FeedbackMetadataSerializer,
)


class ComparisonChatSerializer(CamelSerializer):
    id = serializers.CharField()
    name = serializers.CharField()
    playground_id = serializers.CharField()
    creation_date = serializers.DateTimeField(source="created_at")
    creation_user_id = serializers.CharField(source="created_by_id")


class ComparisonChatRequest(CamelSerializer):
    playground_id = Str()
    name = Str(max_length=LONGEST_NAME)


class ComparisonChatPatch(CamelSerializer):
    name = Str(required=False, max_length=LONGEST_NAME)


class ComparisonChatQuery(ListQuery):
    playground_id = Str(required=False)
    sort = Sort({"name": "name", "creation_date": "created_at"})


class ComparisonPromptResultSerializer(ChatPromptSerializer):
    """One blueprint's answer: what a chat prompt has beside its question."""

    comparison_prompt_result_ids_included_in_history = serializers.ListField(
        child=serializers.CharField(), source="history_ids"
    )
    _SHOWN = (
        "id",
        "llm_blueprint_id",
        "execution_status",
        "result_text",
        "result_metadata",
        "citations",
        "confidence_scores",
        "chat_context_id",
        "comparison_prompt_result_ids_included_in_history",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        return {camel(name): fields[camel(name)] for name in self._SHOWN}


class ComparisonPromptSerializer(CamelSerializer):
    """Needs `chat`, `created_by` and `results`, with what these need."""

    id = serializers.CharField()
    text = serializers.CharField()
    results = ComparisonPromptResultSerializer(many=True)
    comparison_chat_id = serializers.SerializerMethodField()
    metadata_filter = serializers.DictField(allow_null=True)
    creation_date = serializers.DateTimeField(source="created_at")
    creation_user_id = serializers.CharField(source="created_by_id")
    user_name = serializers.CharField(source="created_by.display_name")

    def get_comparison_chat_id(self, comparison: ComparisonPrompt) -> str | None:
        return None if comparison.chat.is_hidden else comparison.chat_id


class ComparisonPromptRequest(CamelSerializer):
    llm_blueprint_ids = StrList(allow_empty=False)
    text = Str(max_length=LONGEST_TEXT)
    comparison_chat_id = Str(required=False, allow_null=True)
    metadata_filter = JsonObject(required=False, allow_null=True)


class ResultFeedbackSerializer(CamelSerializer):
    comparison_prompt_result_id = Str()
    feedback_metadata = FeedbackMetadataSerializer()


class ComparisonPromptPatch(CamelSerializer):
    additional_llm_blueprint_ids = StrList(required=False, allow_null=True)
    feedback_result = ResultFeedbackSerializer(required=False, allow_null=True)


class ComparisonPromptQuery(ListQuery):
    """Exactly one of the two filters."""

    llm_blueprint_ids = StrList(
        required=False, help_text="Comparisons in which one of these blueprints answers."
    )
    comparison_chat_id = Str(required=False)
