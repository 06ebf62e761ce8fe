"""Traces as JSON."""

from typing import Any

from rest_framework import serializers

from blueprints.llm_definitions import describe_llm
from blueprints.models import LLM
from config.api.case import CamelSerializer, camel
from config.api.fields import NoneHere
from playground.models import ChatPrompt
from playground.serializers import ChatPromptSerializer
from playground.traces import place_of


class WithNameSerializer(CamelSerializer):
    id = serializers.CharField()
    name = serializers.CharField()


class TraceUserSerializer(CamelSerializer):
    id = serializers.CharField(source="pk")
    name = serializers.CharField(source="display_name")


class TraceSerializer(ChatPromptSerializer):
    """A prompt of `traces_in`, in the words of traces. Needs the LLMs by id as context `llms`."""

    timestamp = serializers.DateTimeField(source="created_at")
    user = TraceUserSerializer(source="created_by")
    use_case_id = serializers.CharField(source="chat.playground.use_case_id")
    chat_prompt_id = serializers.SerializerMethodField()
    comparison_prompt_id = serializers.CharField(allow_null=True)
    chat_name = serializers.SerializerMethodField()
    chat_id = serializers.SerializerMethodField()  # type: ignore[assignment] # or a comparison's
    llm_blueprint_name = serializers.CharField(source="chat.blueprint.name")
    llm_name = serializers.SerializerMethodField()
    llm_vendor = serializers.SerializerMethodField()
    llm_license = serializers.SerializerMethodField()
    prompt_type = serializers.CharField()
    evaluation_dataset_configuration_id = serializers.CharField(allow_null=True)
    warning = NoneHere()
    text = serializers.SerializerMethodField(  # type: ignore[assignment] # a character at least
        help_text="A question without a character is shown as a space."
    )

    _SHOWN = (
        "timestamp",
        "user",
        "use_case_id",
        "chat_prompt_id",
        "comparison_prompt_id",
        "chat_id",
        "chat_name",
        "llm_blueprint_id",
        "llm_blueprint_name",
        "llm_name",
        "llm_vendor",
        "llm_license",
        "llm_settings",
        "vector_database_id",
        "vector_database_settings",
        "prompt_type",
        "evaluation_dataset_configuration_id",
        "text",
        "execution_status",
        "result_text",
        "result_metadata",
        "confidence_scores",
        "warning",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        return {camel(name): fields[camel(name)] for name in self._SHOWN}

    def get_chat_prompt_id(self, prompt: ChatPrompt) -> str | None:
        return prompt.pk if prompt.comparison_prompt is None else None

    def get_chat_id(self, prompt: ChatPrompt) -> str | None:
        place = place_of(prompt)
        return place[0] if place else None

    def get_chat_name(self, prompt: ChatPrompt) -> str | None:
        place = place_of(prompt)
        return place[1] if place else None

    def get_llm_name(self, prompt: ChatPrompt) -> str | None:
        return self._llm(prompt, "name")

    def get_llm_vendor(self, prompt: ChatPrompt) -> str | None:
        return self._llm(prompt, "vendor")

    def get_llm_license(self, prompt: ChatPrompt) -> str | None:
        return self._llm(prompt, "license")

    def get_text(self, prompt: ChatPrompt) -> str:
        return prompt.text or " "

    def get_result_text(self, prompt: ChatPrompt) -> str | None:
        """Clients of traces refuse an empty text."""
        return super().get_result_text(prompt) or None

    def _llm(self, prompt: ChatPrompt, what: str) -> str | None:
        """None for an LLM that was deleted since."""
        llm: LLM | None = self.context["llms"].get(prompt.llm_id)
        return str(describe_llm(llm)[what]) if llm else None


class TraceMetadataSerializer(CamelSerializer):
    users = WithNameSerializer(many=True)
    chats = WithNameSerializer(many=True)


class TraceExportSerializer(CamelSerializer):
    job_id = serializers.CharField(source="pk")
