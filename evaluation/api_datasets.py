"""`genai/evaluationDatasetConfigurations/`: questions, and right answers, in a CSV dataset."""

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import UseCase, User
from config.api.errors import Unprocessable
from config.api.fields import order_by
from config.api.openapi import operation
from config.api.views import Endpoint, find
from evaluation import datasets
from evaluation.datasets import Columns
from evaluation.models import EvaluationDatasetConfiguration
from evaluation.serializers_datasets import (
    EvaluationDatasetConfigurationPatch,
    EvaluationDatasetConfigurationQuery,
    EvaluationDatasetConfigurationRequest,
    EvaluationDatasetConfigurationSerializer,
)
from playground.models import Playground
from vectordb.models import Dataset

_COLUMNS = tuple(Columns("").to_dict())


def configurations_of(user: User) -> QuerySet[EvaluationDatasetConfiguration]:
    """With all that an answer shows and a change needs."""
    rows = EvaluationDatasetConfiguration.objects.visible_to(user)
    return rows.select_related("playground__use_case", "created_by", "document")


class EvaluationDatasetConfigurations(Endpoint):
    @operation(
        "Evaluation datasets",
        answers=EvaluationDatasetConfigurationSerializer,
        many=True,
        query=EvaluationDatasetConfigurationQuery,
    )
    def get(self, request: Request) -> Response:
        query = self.query(EvaluationDatasetConfigurationQuery)
        rows = configurations_of(self.user).filter(_condition(query))
        rows = rows.order_by(*order_by(query.get("sort"), ["-created_at", "-pk"]))
        return self.page(query, rows, EvaluationDatasetConfigurationSerializer)

    @operation(
        "Say which columns of a CSV dataset hold questions and right answers",
        takes=EvaluationDatasetConfigurationRequest,
        answers=EvaluationDatasetConfigurationSerializer,
        status=201,
    )
    def post(self, request: Request) -> Response:
        given = self.body(EvaluationDatasetConfigurationRequest)
        made = datasets.create_configuration(
            user=self.user,
            playground=self._playground(given),
            dataset=_dataset(self.user, given["dataset_id"]),
            name=given["name"],
            columns=Columns(**{name: given.get(name) or "" for name in _COLUMNS}),
        )
        return _answer(self.user, made.pk, status=201)

    def _playground(self, given: dict[str, Any]) -> Playground:
        use_case = find(UseCase.objects.visible_to(self.user), given["use_case_id"], "Use case")
        playgrounds = Playground.objects.visible_to(self.user).select_related("use_case")
        playground = find(playgrounds, given["playground_id"], "Playground")
        if playground.use_case_id != use_case.pk:
            raise Unprocessable.at(
                "body", "playgroundId", msg="The playground belongs to another use case."
            )
        return playground


class OneEvaluationDatasetConfiguration(Endpoint):
    @operation("An evaluation dataset", answers=EvaluationDatasetConfigurationSerializer)
    def get(self, request: Request, configuration_id: str) -> Response:
        return _answer(self.user, configuration_id)

    @operation(
        "Change an evaluation dataset",
        takes=EvaluationDatasetConfigurationPatch,
        answers=EvaluationDatasetConfigurationSerializer,
        description="Evaluations that were begun with it stay as they are.",
    )
    def patch(self, request: Request, configuration_id: str) -> Response:
        configuration = find_configuration(self.user, configuration_id)
        given = self.body(EvaluationDatasetConfigurationPatch)
        columns = Columns.of(configuration).to_dict()
        columns |= {name: given[name] or "" for name in _COLUMNS if name in given}
        dataset_id = given.get("dataset_id")
        datasets.update_configuration(
            configuration,
            user=self.user,
            name=given.get("name", configuration.name),
            columns=Columns(**columns),
            dataset=None if dataset_id is None else _dataset(self.user, dataset_id),
        )
        return _answer(self.user, configuration_id)

    @operation(
        "Delete an evaluation dataset",
        status=204,
        description="Evaluations that were begun with it go on and keep their figures.",
    )
    def delete(self, request: Request, configuration_id: str) -> Response:
        configuration = find_configuration(self.user, configuration_id)
        datasets.delete_configuration(configuration, user=self.user)
        return Response(status=204)


def find_configuration(user: User, configuration_id: str) -> EvaluationDatasetConfiguration:
    return find(configurations_of(user), configuration_id, "Evaluation dataset configuration")


def _dataset(user: User, dataset_id: str) -> Dataset:
    return find(Dataset.objects.visible_to(user), dataset_id, "Dataset")


def _condition(query: dict[str, Any]) -> Q:
    condition = Q()
    for name, path in {
        "use_case_id": "playground__use_case",
        "playground_id": "playground",
        "evaluation_dataset_configuration_id": "pk",
        "search": "name__icontains",
    }.items():
        if name in query:
            condition &= Q(**{path: query[name]})
    if query.get("correctness_only"):
        condition &= ~Q(response_column_name="")
    if query.get("completed_only"):
        condition &= Q(document__isnull=False)
    return condition


def _answer(user: User, configuration_id: str, *, status: int = 200) -> Response:
    shown = find_configuration(user, configuration_id)
    return Response(EvaluationDatasetConfigurationSerializer(shown).data, status=status)
