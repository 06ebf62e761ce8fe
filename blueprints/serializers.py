"""LLMs, their settings, and blueprints as JSON."""

from typing import Any

from rest_framework import serializers

from blueprints.llm_settings import LONGEST_PROMPT, TEMPERATURE_RANGE, TOP_P_RANGE, LLMSettings
from blueprints.models import Blueprint, PromptType
from blueprints.settings import UNSET, SettingsChanges
from config.api.case import CamelSerializer
from config.api.fields import (
    Bool,
    Choice,
    Float,
    Int,
    NoneHere,
    QueryBool,
    Str,
    TextOrNull,
    WireStatus,
)
from config.api.paging import ListQuery
from vectordb.retrieval_settings import (
    DOCUMENTS_RANGE,
    SIMILARITY_RANGE,
    TOKENS_RANGE,
    RetrievalMode,
    RetrievalSettings,
    Retriever,
    SearchMode,
)

LONGEST_NAME = 200
LONGEST_DESCRIPTION = 10_000


class LLMSettingsSerializer(CamelSerializer):
    """How the LLM is asked. What is absent or null is left to the LLM."""

    system_prompt = Str(required=False, allow_null=True, max_length=LONGEST_PROMPT)
    temperature = Float(
        required=False,
        allow_null=True,
        min_value=TEMPERATURE_RANGE[0],
        max_value=TEMPERATURE_RANGE[1],
    )
    top_p = Float(
        required=False, allow_null=True, min_value=TOP_P_RANGE[0], max_value=TOP_P_RANGE[1]
    )
    max_completion_length = Int(required=False, allow_null=True, min_value=1)

    def to_internal_value(self, data: Any) -> LLMSettings:
        return LLMSettings.from_json(super().to_internal_value(data))


class VectorDatabaseSettingsSerializer(CamelSerializer):
    """What is retrieved. What is absent has its default."""

    max_documents_retrieved_per_prompt = Int(
        required=False, allow_null=True, min_value=DOCUMENTS_RANGE[0], max_value=DOCUMENTS_RANGE[1]
    )
    max_tokens = Int(
        required=False, allow_null=True, min_value=TOKENS_RANGE[0], max_value=TOKENS_RANGE[1]
    )
    add_neighbor_chunks = Bool(default=False)
    search_mode = Choice(
        SearchMode.choices,
        required=False,
        allow_null=True,
        default=SearchMode.HYBRID,
        help_text="What chunks are found by: their meaning, their words, or both. Told when it is "
        "not hybrid, since other clients do not know it.",
    )
    retriever = Choice(
        Retriever.choices,
        required=False,
        allow_null=True,
        default=Retriever.SINGLE_LOOKUP,
        help_text="What is searched for. With the last two the LLM is asked once more before each "
        "answer: to put a question of a chat in words that stand alone, or to make up to three "
        "questions of it. The built-in LLM, which follows no instructions, is not: the question "
        "before is searched for along, or each sentence of the question.",
    )
    retrieval_mode = Choice(RetrievalMode.choices, default=RetrievalMode.SIMILARITY)
    maximal_marginal_relevance_lambda = Float(
        required=False, allow_null=True, min_value=0, max_value=1, default=0.5
    )
    similarity_threshold = Float(
        required=False,
        allow_null=True,
        min_value=SIMILARITY_RANGE[0],
        max_value=SIMILARITY_RANGE[1],
        default=None,
        help_text="Chunks whose cosine similarity to the question is lower are left out. Told when "
        "it is set.",
    )
    rerank = Bool(
        default=False,
        help_text="Whether a cross encoder orders what was found anew; only where one is configured "
        "(GROUNDWORK_RERANKER). Told when it is on.",
    )

    def to_internal_value(self, data: Any) -> RetrievalSettings:
        given = super().to_internal_value(data)
        # Null stands for the default, except where the settings themselves have a null.
        for name in ("retriever", "search_mode", "maximal_marginal_relevance_lambda"):
            if given[name] is None:
                del given[name]
        return RetrievalSettings.from_json(given)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        told: dict[str, Any] = super().to_representation(instance)
        # Other clients know none of these.
        usual = {"searchMode": SearchMode.HYBRID, "similarityThreshold": None, "rerank": False}
        return {
            name: value for name, value in told.items() if name not in usual or value != usual[name]
        }


class SettingsRequest(CamelSerializer):
    """The four settings that a blueprint, a chat and a prompt have. Each replaces as a whole."""

    llm_id = Str(required=False, allow_null=True)
    llm_settings = LLMSettingsSerializer(required=False, allow_null=True)
    vector_database_id = Str(required=False, allow_null=True)
    vector_database_settings = VectorDatabaseSettingsSerializer(required=False, allow_null=True)


def changes_in(given: dict[str, Any], *, null_clears: bool) -> SettingsChanges:
    """The settings in a validated body. Null clears in a PATCH; elsewhere it is as if absent."""

    def value(name: str) -> Any:
        if name not in given or (given[name] is None and not null_clears):
            return UNSET
        return given[name]

    prompt_type = given.get("prompt_type")
    return SettingsChanges(
        llm_id=value("llm_id"),
        llm_settings=value("llm_settings"),
        vector_database_id=value("vector_database_id"),
        retrieval_settings=value("vector_database_settings"),
        prompt_type=UNSET if prompt_type is None else prompt_type,
    )


class ConstraintsSerializer(CamelSerializer):
    type = serializers.CharField()
    min_value = serializers.FloatField(allow_null=True)
    max_value = serializers.FloatField(allow_null=True)
    min_length = serializers.IntegerField(allow_null=True)
    max_length = serializers.IntegerField(allow_null=True)
    allowed_choices = serializers.ListField(child=serializers.CharField(), allow_null=True)


class LLMSettingSerializer(CamelSerializer):
    """A setting that an LLM has, and what it may be."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    type = serializers.CharField()
    format = serializers.CharField(allow_null=True)
    is_nullable = serializers.BooleanField()
    default_value = serializers.JSONField(allow_null=True)
    constraints = ConstraintsSerializer()


class LLMSerializer(CamelSerializer):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    vendor = serializers.CharField()
    license = serializers.CharField()
    supported_languages = serializers.CharField()
    settings = LLMSettingSerializer(many=True)
    context_size = serializers.IntegerField(allow_null=True)
    is_deprecated = serializers.BooleanField()
    is_active = serializers.BooleanField()
    retirement_date = serializers.DateTimeField(allow_null=True)
    provider = serializers.CharField()
    is_metered = serializers.BooleanField()
    supported_custom_model_llm_validations = serializers.ListField(
        child=serializers.DictField(), help_text="Always empty."
    )


class LLMQuery(ListQuery):
    use_case_id = Str(required=False, help_text="The list is the same for all that you may see.")
    moderation_supported_only = QueryBool(
        required=False, help_text="Only LLMs that can judge in metrics and moderation."
    )


class BlueprintRequest(SettingsRequest):
    playground_id = Str()
    name = Str(allow_blank=False, max_length=LONGEST_NAME)
    description = Str(required=False, allow_null=True, max_length=LONGEST_DESCRIPTION)
    prompt_type = Choice(PromptType.choices, default=PromptType.CHAT_HISTORY_AWARE)


class BlueprintPatch(SettingsRequest):
    name = Str(required=False, allow_blank=False, max_length=LONGEST_NAME)
    description = Str(required=False, allow_null=True, max_length=LONGEST_DESCRIPTION)
    prompt_type = Choice(PromptType.choices, required=False)
    is_saved = Bool(required=False)
    is_starred = Bool(required=False)


class BlueprintSerializer(CamelSerializer):
    """`playground_id` is annotated by whoever knows playgrounds."""

    id = serializers.CharField()
    playground_id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    is_saved = serializers.BooleanField()
    is_starred = serializers.BooleanField()
    prompt_type = serializers.ChoiceField(PromptType.choices, source="version.prompt_type")
    llm_id = serializers.CharField(source="version.llm_id", allow_null=True)
    llm_name = TextOrNull(source="version.llm.label", default=None)
    llm_settings = LLMSettingsSerializer(source="version.llm_parameters")
    vector_database_id = serializers.CharField(source="version.vector_database_id", allow_null=True)
    vector_database_name = TextOrNull(source="version.vector_database.name", default=None)
    vector_database_status = WireStatus(
        source="version.vector_database.status", default=None, allow_null=True
    )
    vector_database_error_message = TextOrNull(
        source="version.vector_database.error_message", default=None
    )
    vector_database_error_resolution = NoneHere()
    vector_database_family_id = TextOrNull(source="version.vector_database.family_id", default=None)
    vector_database_settings = VectorDatabaseSettingsSerializer(
        source="version.retrieval_parameters"
    )
    custom_model_llm_validation_status = NoneHere()
    custom_model_llm_error_message = NoneHere()
    custom_model_llm_error_resolution = NoneHere()
    warning = serializers.SerializerMethodField()
    creation_date = serializers.DateTimeField(source="created_at")
    creation_user_id = serializers.CharField(source="created_by_id")
    creation_user_name = serializers.CharField(source="created_by.display_name")
    last_update_date = serializers.DateTimeField(source="updated_at")
    last_update_user_id = serializers.CharField(source="updated_by_id")

    def get_warning(self, blueprint: Blueprint) -> str | None:
        version = blueprint.current
        if version.llm is None:
            return "Its LLM is gone: choose another."
        if version.saved_vector_database_id and version.vector_database is None:
            return "Its vector database was deleted: choose another, or none."
        return None
