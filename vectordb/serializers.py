"""Vector databases as JSON."""

from typing import Any

from rest_framework import serializers

from config.api.case import CamelSerializer, camel
from config.api.fields import (
    Bool,
    Choice,
    Int,
    NoneHere,
    NotBuilt,
    QueryBool,
    Sort,
    Str,
    StrList,
    WireStatus,
)
from config.api.paging import ListQuery
from config.errors import InvalidInput
from config.status import Status
from vectordb.chunking_settings import (
    DEFAULT_SEPARATORS,
    LARGEST_OVERLAP,
    SMALLEST_CHUNK,
    ChunkingSettings,
    default_chunk_size,
)
from vectordb.embedding_models import MINILM, get_model
from vectordb.models import ChunkingMethod, VectorDatabase
from vectordb.naming import LONGEST_NAME

# The GenAI API wants both on every database; a self-hosted server is one organization.
ORGANIZATION = "000000000000000000000001"


_SEPARATING = ("separators", "is_separator_regex")
_HOW_TO_CUT = ("chunking_method", "chunk_size", "chunk_overlap_percentage", *_SEPARATING)


class ChunkingRequest(CamelSerializer):
    """How documents are cut. What is absent or null has its default."""

    embedding_model = Str(required=False, allow_null=True)
    chunking_method = Choice(ChunkingMethod.choices, required=False, allow_null=True)
    chunk_size = Int(
        required=False,
        allow_null=True,
        min_value=SMALLEST_CHUNK,
        help_text="Tokens; at most what the embedding model reads at once.",
    )
    chunk_overlap_percentage = Int(
        required=False, allow_null=True, min_value=0, max_value=LARGEST_OVERLAP
    )
    separators = StrList(required=False, allow_null=True)
    is_separator_regex = Bool(
        required=False,
        allow_null=True,
        help_text="Separators are regular expressions, without groups that capture.",
    )
    custom_chunking = Bool(
        required=False,
        allow_null=True,
        help_text="Each row of a CSV file, or else each file, is one finished chunk; then nothing "
        "else but the embedding model may be chosen.",
    )
    embedding_validation_id = NotBuilt()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in attrs.items() if value is not None}
        self._refuse_unused(given)
        given["is_custom_chunking"] = given.pop("custom_chunking", False)
        # No separators at all: the usual ones.
        given["separators"] = tuple(given.get("separators") or DEFAULT_SEPARATORS)
        try:
            model = get_model(given.get("embedding_model", MINILM))
            return {
                "settings": ChunkingSettings(**{"chunk_size": default_chunk_size(model)} | given)
            }
        except InvalidInput as error:
            place = camel(error.field or "non_field_errors")
            raise serializers.ValidationError(
                {place: [error.message]}, code="value_error"
            ) from None

    def _refuse_unused(self, given: dict[str, Any]) -> None:
        unused: tuple[str, ...] = ()
        if given.get("custom_chunking"):
            unused, why = _HOW_TO_CUT, "Leave it out: customChunking takes the rows as they are."
        elif given.get("chunking_method") == ChunkingMethod.SEMANTIC:
            unused, why = _SEPARATING, "Leave it out: the semantic method uses no separators."
        wrong = [name for name in unused if given.get(name)]
        if "chunk_overlap_percentage" in given and "chunk_overlap_percentage" in unused:
            wrong.append("chunk_overlap_percentage")  # 0 is something too
        if wrong:
            details = {
                camel(name): [serializers.ErrorDetail(why, code="value_error")] for name in wrong
            }
            raise serializers.ValidationError(details)


class VectorDatabaseRequest(CamelSerializer):
    dataset_id = Str()
    use_case_id = Str()
    name = Str(required=False, allow_null=True, max_length=LONGEST_NAME)
    chunking_parameters = ChunkingRequest(required=False, allow_null=True)
    parent_vector_database_id = Str(
        required=False,
        allow_null=True,
        help_text="Makes it the next version of that one's family: of this dataset alone where "
        "chunkingParameters are given; else the dataset is added to what the parent is made of.",
    )
    update_llm_blueprints = Bool(
        required=False,
        allow_null=True,
        help_text="The parent's blueprints use this version once it is complete, but those that "
        "are saved.",
    )
    update_deployments = Bool(
        required=False, allow_null=True, help_text="There are no deployments here."
    )
    metadata_dataset_id = NotBuilt()
    metadata_combination_strategy = NotBuilt()
    external_vector_database_connection = NotBuilt()


class VectorDatabasePatch(CamelSerializer):
    name = Str(required=False, allow_blank=False, max_length=LONGEST_NAME)
    credential_id = NotBuilt()


class VectorDatabaseQuery(ListQuery):
    use_case_id = StrList(required=False)
    playground_id = Str(required=False)
    family_id = Str(required=False)
    parents_only = QueryBool(required=False)
    completed_only = QueryBool(required=False)
    search = Str(required=False, help_text="Part of the name.")
    sort = Sort(
        {
            "name": "name",
            "creation_user_id": "created_by_id",
            "creation_date": "created_at",
            "embedding_model": "embedding_model",
            "dataset_id": "dataset_id",
            "chunking_method": "chunking_method",
            "chunks_count": "chunks_count",
            "size": "size",
            "user_name": "creator_name",
            "dataset_name": "dataset_name",
            "playgrounds_count": "playgrounds_count",
            "source": "pk",  # all have the same
        }
    )


class VectorDatabaseSerializer(CamelSerializer):
    """`playgrounds_count` is annotated, and `creator_name` where they are sorted."""

    id = serializers.CharField()
    name = serializers.CharField()
    use_case_id = serializers.CharField()
    dataset_id = serializers.CharField(allow_null=True)
    dataset_name = serializers.CharField()
    execution_status = WireStatus(source="status")
    error_message = serializers.SerializerMethodField()
    size = serializers.IntegerField(help_text="Bytes.")
    chunks_count = serializers.IntegerField()
    playgrounds_count = serializers.IntegerField()
    embedding_model = serializers.CharField()
    chunking_method = serializers.SerializerMethodField()
    chunk_size = serializers.SerializerMethodField(help_text="Tokens.")
    chunk_overlap_percentage = serializers.SerializerMethodField()
    separators = serializers.SerializerMethodField()
    is_separator_regex = serializers.BooleanField()
    custom_chunking = serializers.BooleanField(source="is_custom_chunking")
    family_id = serializers.CharField()
    parent_id = serializers.CharField(allow_null=True)
    version = serializers.IntegerField()
    source = serializers.SerializerMethodField()  # type: ignore[assignment] # DRF takes it away
    creation_date = serializers.DateTimeField(source="created_at")
    creation_user_id = serializers.CharField(source="created_by_id")
    user_name = serializers.CharField(source="created_by.display_name")
    last_update_date = serializers.DateTimeField(source="updated_at")
    organization_id = serializers.SerializerMethodField(method_name="get_organization")
    tenant_id = serializers.SerializerMethodField(method_name="get_organization")
    validation_id = NoneHere()
    embedding_validation_id = NoneHere()
    metadata_dataset_id = NoneHere()
    metadata_dataset_name = NoneHere()
    metadata_columns = serializers.ListField(child=serializers.CharField())
    metadata_combination_strategy = NoneHere()
    external_vector_database_connection = NoneHere()
    added_dataset_ids = serializers.SerializerMethodField()
    added_dataset_names = serializers.SerializerMethodField()
    added_metadata_dataset_pairs = NoneHere()

    def get_error_message(self, database: VectorDatabase) -> str | None:
        if database.error_message:
            return database.error_message
        return "Building it was cancelled." if database.status == Status.CANCELLED else None

    def get_chunking_method(self, database: VectorDatabase) -> str | None:
        return None if database.is_custom_chunking else database.chunking_method

    def get_chunk_size(self, database: VectorDatabase) -> int | None:
        return None if database.is_custom_chunking else database.chunk_size

    def get_chunk_overlap_percentage(self, database: VectorDatabase) -> int | None:
        return None if database.is_custom_chunking else database.chunk_overlap_percentage

    def get_separators(self, database: VectorDatabase) -> list[str] | None:
        is_used = not database.is_custom_chunking
        is_used = is_used and database.chunking_method != ChunkingMethod.SEMANTIC
        return list(database.separators) if is_used else None

    def get_added_dataset_ids(self, database: VectorDatabase) -> list[str]:
        return [added["id"] for added in database.added_datasets]

    def get_added_dataset_names(self, database: VectorDatabase) -> list[str]:
        return [added["name"] for added in database.added_datasets]

    def get_source(self, database: VectorDatabase) -> str:
        return "DataRobot"

    def get_organization(self, database: VectorDatabase) -> str:
        return ORGANIZATION


class EmbeddingsQuery(CamelSerializer):
    dataset_id = Str(required=False, help_text="The same models suit every dataset here.")
    use_case_id = Str(required=False, help_text="The same models can be chosen everywhere here.")


class EmbeddingSerializer(CamelSerializer):
    embedding_model = serializers.CharField(source="id")
    description = serializers.CharField()
    max_sequence_length = serializers.IntegerField(source="max_tokens", help_text="Tokens.")
    languages = serializers.ListField(child=serializers.CharField())


class NamedSerializer(CamelSerializer):
    id = serializers.CharField()
    name = serializers.CharField()


class EmbeddingsSerializer(CamelSerializer):
    embedding_models = EmbeddingSerializer(many=True)
    default_embedding_model = serializers.CharField()
    custom_model_embedding_validations = NamedSerializer(many=True)
    openai_embedding_validations = NamedSerializer(many=True)


class ChunkingParameterSerializer(CamelSerializer):
    name = serializers.CharField()
    type = serializers.CharField()
    description = serializers.CharField()
    default = serializers.JSONField()
    min = serializers.IntegerField(allow_null=True)
    max = serializers.IntegerField(allow_null=True)


class ChunkingMethodSerializer(CamelSerializer):
    chunking_method = serializers.CharField()
    description = serializers.CharField()
    chunking_parameters = ChunkingParameterSerializer(many=True)


class ChunkingConfigSerializer(CamelSerializer):
    embedding_model = serializers.CharField()
    default_method = serializers.CharField()
    methods = ChunkingMethodSerializer(many=True)


class ChunkingsSerializer(CamelSerializer):
    text_chunking_configs = ChunkingConfigSerializer(many=True)


class NestedRetrievalSettingSerializer(CamelSerializer):
    name = serializers.CharField()
    type = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    default = serializers.JSONField(allow_null=True, help_text="A text, a whole number, a truth.")
    minimum = serializers.IntegerField(allow_null=True)
    maximum = serializers.IntegerField(allow_null=True)
    enum = serializers.ListField(child=serializers.CharField(), allow_null=True)
    group_id = serializers.CharField(allow_null=True)


class RetrievalSettingSerializer(NestedRetrievalSettingSerializer):
    settings = NestedRetrievalSettingSerializer(many=True, allow_null=True)


class RetrievalSettingsSerializer(CamelSerializer):
    settings = RetrievalSettingSerializer(many=True)
