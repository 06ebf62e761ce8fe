"""Prompt templates and their versions as JSON."""

from typing import Any

from rest_framework import serializers

from blueprints.prompt_templates import Variable
from blueprints.serializers import LONGEST_DESCRIPTION, LONGEST_NAME
from config.api.case import CamelSerializer
from config.api.fields import Sort, Str, StrList
from config.api.paging import ListQuery

LONGEST_TEXT = 500_000


class PromptTemplateSerializer(CamelSerializer):
    """`version_count` is annotated."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    version_count = serializers.IntegerField()
    creation_date = serializers.DateTimeField(source="created_at")
    creation_user_id = serializers.CharField(source="created_by_id")
    user_name = serializers.CharField(source="created_by.display_name")
    last_update_date = serializers.DateTimeField(source="updated_at")
    last_update_user_id = serializers.CharField(source="updated_by_id")


class PromptTemplateRequest(CamelSerializer):
    name = Str(allow_blank=False, max_length=LONGEST_NAME)
    description = Str(required=False, allow_null=True, max_length=LONGEST_DESCRIPTION)


class PromptTemplateQuery(ListQuery):
    search = Str(required=False, help_text="Part of the name.")
    sort = Sort(
        {
            "name": "name",
            "description": "description",
            "creation_user_id": "created_by_id",
            "creation_date": "created_at",
            "last_update_user_id": "updated_by_id",
            "last_update_date": "updated_at",
            "version_count": "version_count",
        }
    )


class VariableSerializer(CamelSerializer):
    name = Str(allow_blank=False, max_length=LONGEST_NAME)
    type = Str(default="str", allow_blank=False, max_length=LONGEST_NAME)
    description = Str(default="", max_length=LONGEST_DESCRIPTION)

    def to_internal_value(self, data: Any) -> Variable:
        return Variable(**super().to_internal_value(data))


class PromptTemplateVersionSerializer(CamelSerializer):
    id = serializers.CharField()
    prompt_template_id = serializers.CharField(source="template_id")
    version = serializers.IntegerField(source="number", help_text="Counts from 1.")
    prompt_text = serializers.CharField(source="text")
    variables = VariableSerializer(many=True)
    commit_comment = serializers.CharField(source="comment")
    creation_date = serializers.DateTimeField(source="created_at")
    creation_user_id = serializers.CharField(source="created_by_id")
    user_name = serializers.CharField(source="created_by.display_name")


class PromptTemplateVersionRequest(CamelSerializer):
    prompt_text = Str(
        allow_blank=False,
        max_length=LONGEST_TEXT,
        help_text="Variables stand in it as {{ name }}.",
    )
    variables = VariableSerializer(many=True, required=False, allow_null=True)
    commit_comment = Str(required=False, allow_null=True, max_length=LONGEST_DESCRIPTION)


class PromptTemplateVersionQuery(ListQuery):
    prompt_templates_ids = StrList(required=False, help_text="Only versions of these templates.")
