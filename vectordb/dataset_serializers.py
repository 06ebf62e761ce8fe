"""Datasets as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.serializers import UserSerializer
from config.api.case import CamelSerializer, camel
from config.api.fields import (
    Bool,
    Choice,
    Int,
    QueryBool,
    Sort,
    Str,
    StrList,
    WireStatus,
)
from config.api.paging import ListQuery
from vectordb.models import Dataset
from vectordb.naming import LONGEST_NAME

_CATEGORIES = ("TRAINING", "PREDICTION")
_LONGEST_URL = 2_000


class Categories(serializers.ListField):
    """What a dataset is meant for; the GenAI API keeps it, and nothing here depends on it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Choice(_CATEGORIES), max_length=len(_CATEGORIES), **options)


class SampleSizeSerializer(CamelSerializer):
    """How much of a CSV file is taken: so many rows, from its beginning."""

    type = Choice(["rows"])
    value = Int(min_value=1)


class DatasetSerializer(CamelSerializer):
    dataset_id = serializers.CharField(source="id")
    version_id = serializers.CharField(source="id")
    name = serializers.CharField()
    categories = serializers.ListField(child=serializers.CharField())
    creation_date = serializers.DateTimeField(source="created_at")
    created_by = serializers.CharField(source="created_by.display_name")
    last_modification_date = serializers.DateTimeField(source="updated_at")
    last_modifier_full_name = serializers.CharField(source="created_by.display_name")
    dataset_size = serializers.IntegerField(help_text="Bytes of all documents.")
    row_count = serializers.IntegerField(
        help_text="Rows of CSV files; every other document counts as one."
    )
    sample_size = serializers.SerializerMethodField()
    processing_state = WireStatus(source="status")
    data_source_type = serializers.SerializerMethodField(method_name="get_file_word")
    uri = serializers.CharField(source="name")
    error = serializers.CharField(
        source="error_message", help_text="What could not be taken; blank when all was."
    )
    is_latest_version = serializers.SerializerMethodField(method_name="get_true")
    is_snapshot = serializers.SerializerMethodField(method_name="get_true")
    data_persisted = serializers.SerializerMethodField(method_name="get_true")
    is_vector_database_eligible = serializers.SerializerMethodField()
    is_data_engine_eligible = serializers.SerializerMethodField(method_name="get_false")
    is_playground_evaluation_dataset_eligible = serializers.SerializerMethodField(
        help_text="Whether it is one CSV file whose columns have names."
    )

    def get_is_vector_database_eligible(self, dataset: Any) -> bool:
        return bool(dataset.documents_count)

    def get_is_playground_evaluation_dataset_eligible(self, dataset: Any) -> bool:
        return bool(dataset.documents_count == dataset.tables_count == 1)

    @extend_schema_field(SampleSizeSerializer(allow_null=True))
    def get_sample_size(self, dataset: Dataset) -> dict[str, Any] | None:
        rows = dataset.sample_rows
        return None if rows is None else {"type": "rows", "value": rows}

    def get_file_word(self, dataset: object) -> str:
        return "file"

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
    categories = Categories(required=False)


class UrlRequest(CamelSerializer):
    """Where a file is to be fetched from. Its name is that in the address."""

    url = Str(allow_blank=False, max_length=_LONGEST_URL, help_text="http:// or https://")
    do_snapshot = Bool(required=False, allow_null=True, help_text="What is fetched is kept.")
    persist_data_after_ingestion = Bool(
        required=False, allow_null=True, help_text="What is fetched is kept."
    )
    categories = Categories(required=False, allow_null=True)
    sample_size = SampleSizeSerializer(
        required=False, allow_null=True, help_text="Not for a ZIP. Other documents are one row."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("do_snapshot", "persist_data_after_ingestion"):
            if attrs.get(name) is False:
                why = "Files are always kept here: leave it out, or say true."
                raise serializers.ValidationError({camel(name): [why]}, code="value_error")
        return attrs


class DatasetQuery(ListQuery):
    use_case_ids = StrList(required=False)
    category = Choice(_CATEGORIES, required=False)
    order_by = Sort({"created": "created_at", "name": "name"})
    filter_failed = QueryBool(required=False, help_text="Leave those out whose upload failed.")


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
