"""Use cases as JSON."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Membership, Role, UseCase, User
from config.api.case import CamelSerializer
from config.api.fields import Sort, Str, TextOrNull
from config.api.paging import ListQuery

LONGEST_NAME = 200
LONGEST_DESCRIPTION = 10_000


class UserSerializer(CamelSerializer):
    """A person, as others see them."""

    id = serializers.CharField()
    full_name = serializers.CharField(source="display_name")
    email = serializers.CharField()
    username = serializers.CharField(source="email")


class UseCaseSerializer(CamelSerializer):
    id = serializers.CharField()
    name = serializers.CharField()
    description = TextOrNull()
    created_at = serializers.DateTimeField()
    created = UserSerializer(source="created_by")
    updated_at = serializers.DateTimeField()
    updated = UserSerializer(source="updated_by")
    members = serializers.SerializerMethodField()
    owners = serializers.SerializerMethodField()
    datasets_count = serializers.IntegerField()
    playgrounds_count = serializers.IntegerField()
    vector_databases_count = serializers.IntegerField()
    # What clients insist on and Groundwork does not have.
    models_count = serializers.SerializerMethodField(method_name="get_none")
    projects_count = serializers.SerializerMethodField(method_name="get_none")
    files_count = serializers.SerializerMethodField(method_name="get_none")
    notebooks_count = serializers.SerializerMethodField(method_name="get_none")
    applications_count = serializers.SerializerMethodField(method_name="get_none")

    @extend_schema_field(UserSerializer(many=True))
    def get_members(self, use_case: UseCase) -> list[dict[str, Any]]:
        return _people(use_case.memberships.all())

    @extend_schema_field(UserSerializer(many=True))
    def get_owners(self, use_case: UseCase) -> list[dict[str, Any]]:
        return _people(
            membership for membership in use_case.memberships.all() if membership.role == Role.OWNER
        )

    def get_none(self, use_case: UseCase) -> int:
        return 0


def _people(memberships: Iterable[Membership]) -> list[dict[str, Any]]:
    users: list[User] = [membership.user for membership in memberships]
    return list(UserSerializer(users, many=True).data)


class UseCaseRequest(CamelSerializer):
    name = Str(required=False, max_length=LONGEST_NAME)
    description = Str(required=False, allow_null=True, max_length=LONGEST_DESCRIPTION)


# Of what there is none here, everybody has as many.
_COUNTED_NONE = ("projects_count", "files_count", "notebooks_count", "applications_count")
_COLUMNS = {
    "name": "name",
    "description": "description",
    "created_at": "created_at",
    "updated_at": "updated_at",
}


class UseCaseQuery(ListQuery):
    search = Str(required=False, help_text="Part of the name.")
    sort = Sort(_COLUMNS)
    order_by = Sort(
        _COLUMNS
        | {
            "id": "pk",
            "created_by": "created_by_id",
            "updated_by": "updated_by_id",
            "datasets_count": "datasets_count",
        }
        | dict.fromkeys(_COUNTED_NONE, "pk"),
        either_case=True,
        help_text="Like sort, which comes first; in snake_case too.",
    )
