"""`useCases/`: the REST face of use cases."""

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.models import UseCase, User
from accounts.serializers import UseCaseQuery, UseCaseRequest, UseCaseSerializer
from config.api.fields import order_by
from config.api.openapi import operation
from config.api.views import Endpoint, find


def use_cases_of(user: User) -> QuerySet[UseCase]:
    """With all that an answer shows, in a constant number of queries."""
    return (
        UseCase.objects.visible_to(user)
        .select_related("created_by", "updated_by")
        .prefetch_related("memberships__user")
        .annotate(
            datasets_count=_count("dataset_links"),
            playgrounds_count=_count("playgrounds"),
            vector_databases_count=_count("vector_databases"),
        )
    )


def _count(relation: str) -> Coalesce:
    """How many of these a use case has. The apps that have them are above this one, so they are
    known by the name of the relation only; sub-queries, because joins would multiply."""
    model: Any = UseCase._meta.get_field(relation).related_model
    rows = model._default_manager.filter(use_case=OuterRef("pk")).order_by()
    counted = rows.values("use_case").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


class UseCases(Endpoint):
    @operation("Your use cases", answers=UseCaseSerializer, many=True, query=UseCaseQuery)
    def get(self, request: Request) -> Response:
        query = self.query(UseCaseQuery)
        rows = use_cases_of(self.user).order_by(
            *order_by(query.get("sort") or query.get("order_by"), ["-created_at", "-pk"])
        )
        if "search" in query:
            rows = rows.filter(name__icontains=query["search"])
        return self.page(query, rows, UseCaseSerializer)

    @operation("Make a use case", takes=UseCaseRequest, answers=UseCaseSerializer, status=201)
    def post(self, request: Request) -> Response:
        given = self.body(UseCaseRequest)
        use_case = services.create_use_case(
            user=self.user,
            name=given.get("name", ""),
            description=given.get("description") or "",
        )
        return _answer(self.user, use_case, status=201)


class OneUseCase(Endpoint):
    """Deleting one is added by the app that knows all that may be in it."""

    @operation("A use case", answers=UseCaseSerializer)
    def get(self, request: Request, use_case_id: str) -> Response:
        return _answer(
            self.user, find(UseCase.objects.visible_to(self.user), use_case_id, "Use case")
        )

    @operation("Rename or describe a use case", takes=UseCaseRequest, answers=UseCaseSerializer)
    def patch(self, request: Request, use_case_id: str) -> Response:
        use_case = find(UseCase.objects.visible_to(self.user), use_case_id, "Use case")
        changes = {name: value or "" for name, value in self.body(UseCaseRequest).items()}
        return _answer(self.user, services.update_use_case(use_case, user=self.user, **changes))


def _answer(user: User, use_case: UseCase, *, status: int = 200) -> Response:
    shown = find(use_cases_of(user), use_case.pk, "Use case")
    return Response(UseCaseSerializer(shown).data, status=status)
