"""Datasets and vector databases as JSON."""

from typing import Any

from rest_framework import serializers

from accounts.serializers import UserSerializer
from config.api.case import CamelSerializer, camel
from config.api.fields import (
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
from vectordb.chunking_settings import LARGEST_OVERLAP, SMALLEST_CHUNK, ChunkingSettings
from vectordb.models import ChunkingMethod, VectorDatabase

LONGEST_NAME = 200
# The GenAI API wants both on every database; a self-hosted server is one organization.
ORGANIZATION = "000000000000000000000001"


class DatasetSerializer(CamelSerializer):
    dataset_id = serializers.CharField(source="id")
    version_id = serializers.CharField(source="id")
    name = serializers.CharField()
    categories = serializers.SerializerMethodField()
    creation_date = serializers.DateTimeField(source="created_at")
    created_by = serializers.CharField(source="created_by.display_name")
    last_modification_date = serializers.DateTimeField(source="updated_at")
    last_modifier_full_name = serializers.CharField(source="created_by.display_name")
    dataset_size = serializers.IntegerField(help_text="Bytes of all documents.")
    row_count = serializers.IntegerField(help_text="Documents.")
    processing_state = serializers.SerializerMethodField()
    data_source_type = serializers.SerializerMethodField(method_name="get_file_word")
    uri = serializers.CharField(source="name")
    error = serializers.SerializerMethodField(method_name="get_blank")
    is_latest_version = serializers.SerializerMethodField(method_name="get_true")
    is_snapshot = serializers.SerializerMethodField(method_name="get_true")
    data_persisted = serializers.SerializerMethodField(method_name="get_true")
    is_vector_database_eligible = serializers.SerializerMethodField(method_name="get_true")
    is_data_engine_eligible = serializers.SerializerMethodField(method_name="get_false")
    is_playground_evaluation_dataset_eligible = serializers.SerializerMethodField(
        method_name="get_false"
    )

    def get_categories(self, dataset: object) -> list[str]:
        return []

    def get_processing_state(self, dataset: object) -> str:
        return "COMPLETED"

    def get_file_word(self, dataset: object) -> str:
        return "file"

    def get_blank(self, dataset: object) -> str:
        return ""

    def get_true(self, dataset: object) -> bool:
        return True

    def get_false(self, dataset: object) -> bool:
        return False


class UploadRequest(serializers.Serializer[Any]):
    """A multipart form. `file` may be there several times; a ZIP stands for its members."""

    file = serializers.ListField(child=serializers.FileField())


class UploadedSerializer(CamelSerializer):
    catalog_id = serializers.CharField()
    catalog_version_id = serializers.CharField()
    status_id = serializers.CharField()


class DatasetPatch(CamelSerializer):
    name = Str(required=False, allow_blank=False, max_length=LONGEST_NAME)
    categories = NotBuilt()


class DatasetQuery(ListQuery):
    use_case_ids = StrList(required=False)
    category = Str(required=False, help_text="Datasets here have no categories.")
    order_by = Sort({"created": "created_at", "name": "name"})
    filter_failed = QueryBool(required=False, help_text="No dataset here is in a failed state.")


class DatasetLinkSerializer(CamelSerializer):
    """A dataset's place in a use case."""

    id = serializers.CharField()
    entity_type = serializers.SerializerMethodField()
    entity_id = serializers.CharField(source="dataset_id")
    experiment_container_id = serializers.CharField(source="use_case_id")
    created_at = serializers.DateTimeField()
    created = UserSerializer(source="created_by")
    is_deleted = serializers.SerializerMethodField()

    def get_entity_type(self, link: object) -> str:
        return "dataset"

    def get_is_deleted(self, link: object) -> bool:
        return False


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
    is_separator_regex = NotBuilt()
    custom_chunking = NotBuilt()
    embedding_validation_id = NotBuilt()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in attrs.items() if value is not None}
        if "separators" in given:
            given["separators"] = tuple(given["separators"])
        try:
            return {"settings": ChunkingSettings(**given)}
        except InvalidInput as error:
            place = camel(error.field or "non_field_errors")
            raise serializers.ValidationError(
                {place: [error.message]}, code="value_error"
            ) from None


class VectorDatabaseRequest(CamelSerializer):
    dataset_id = Str()
    use_case_id = Str()
    name = Str(required=False, allow_null=True, max_length=LONGEST_NAME)
    chunking_parameters = ChunkingRequest(required=False, allow_null=True)
    parent_vector_database_id = NotBuilt()
    update_llm_blueprints = NotBuilt()
    update_deployments = NotBuilt()
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
            "user_name": "created_by__name",
            "dataset_name": "dataset_name",
            "playgrounds_count": "playgrounds_count",
            "source": "pk",  # all have the same
        }
    )


class VectorDatabaseSerializer(CamelSerializer):
    """`playgrounds_count` is annotated."""

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
    chunking_method = serializers.CharField()
    chunk_size = serializers.IntegerField(help_text="Tokens.")
    chunk_overlap_percentage = serializers.IntegerField()
    separators = serializers.ListField(child=serializers.CharField())
    is_separator_regex = serializers.BooleanField()
    custom_chunking = serializers.SerializerMethodField()
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
    metadata_columns = NoneHere()
    metadata_combination_strategy = NoneHere()
    external_vector_database_connection = NoneHere()
    added_dataset_ids = NoneHere()
    added_dataset_names = NoneHere()
    added_metadata_dataset_pairs = NoneHere()

    def get_error_message(self, database: VectorDatabase) -> str | None:
        if database.error_message:
            return database.error_message
        return "Building it was cancelled." if database.status == Status.CANCELLED else None

    def get_custom_chunking(self, database: VectorDatabase) -> bool:
        return False

    def get_source(self, database: VectorDatabase) -> str:
        return "DataRobot"

    def get_organization(self, database: VectorDatabase) -> str:
        return ORGANIZATION


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
