"""`genai/evaluationDatasetMetricAggregations/`: evaluations, and the figures that they end with."""

from collections.abc import Collection
from typing import Any

from django.db.models import F, Q, QuerySet
from django.urls import reverse
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from blueprints.models import Blueprint
from config.api import jobs
from config.api.errors import Unprocessable
from config.api.fields import order_by
from config.api.openapi import operation
from config.api.views import Endpoint
from config.status import UNFINISHED, Status
from evaluation import run_steps, runs
from evaluation.api_datasets import find_configuration
from evaluation.models import EvaluationChat, EvaluationRun, MetricAggregation
from evaluation.serializers_runs import (
    EvaluationDatasetMetricAggregationFilter,
    EvaluationDatasetMetricAggregationQuery,
    EvaluationDatasetMetricAggregationSerializer,
    EvaluationRunRequest,
    EvaluationRunSerializer,
)


@jobs.register
def evaluation_job(user: User, run_id: str) -> jobs.Job | None:
    """Ends with COMPLETED: clients that know a job by its id follow no redirect."""
    run = EvaluationRun.objects.visible_to(user).filter(pk=run_id).first()
    if run is None:
        return None
    return jobs.Job(
        id=run.pk,
        status=Status(run.status),
        created_at=run.created_at,
        description="Evaluation",
        topic=run_steps.topic(run.pk),
        events=frozenset({"ended"}),
        message=runs.progress(run) if run.status in UNFINISHED else run.message,
    )


def aggregations_of(user: User) -> QuerySet[MetricAggregation]:
    rows = MetricAggregation.objects.visible_to(user)
    return rows.select_related("evaluation_chat__run", "evaluation_chat__chat")


class EvaluationDatasetMetricAggregations(Endpoint):
    @operation(
        "Figures of evaluations",
        answers=EvaluationDatasetMetricAggregationSerializer,
        many=True,
        query=EvaluationDatasetMetricAggregationQuery,
    )
    def get(self, request: Request) -> Response:
        query = self.query(EvaluationDatasetMetricAggregationQuery)
        rows = aggregations_of(self.user).filter(_condition(query))
        newest = ["-evaluation_chat__run__created_at", "-evaluation_chat__run", "pk"]
        rows = rows.order_by(*order_by(query.get("sort"), newest))
        return self.page(query, rows, EvaluationDatasetMetricAggregationSerializer)

    @operation(
        "Ask blueprints all questions of a dataset, and aggregate metrics of their answers",
        takes=EvaluationRunRequest,
        answers=EvaluationRunSerializer,
        status=202,
        description="Every blueprint gets a frozen chat. The job ends with 200 and COMPLETED, also "
        "when some questions could not be answered; its message tells how many.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(EvaluationRunRequest)
        configuration_id = given["evaluation_dataset_configuration_id"]
        run = runs.start_run(
            user=self.user,
            configuration=find_configuration(self.user, configuration_id),
            blueprints=self._blueprints(given["llm_blueprint_ids"]),
            chat_name=given["chat_name"],
            insights=given["insights_configuration"],
        )
        response = Response(EvaluationRunSerializer(run).data, status=202)
        response["Location"] = self.absolute(reverse("genai-status", args=[run.pk]))
        return response

    def _blueprints(self, ids: Collection[str]) -> list[Blueprint]:
        visible = Blueprint.objects.visible_to(self.user).select_related("version")
        found = {blueprint.pk: blueprint for blueprint in visible.filter(pk__in=ids)}
        if not found.keys() >= set(ids):
            raise NotFound("LLM blueprint not found.")
        return [found[each] for each in dict.fromkeys(ids)]

    @operation(
        "Delete figures of evaluations",
        status=204,
        query=EvaluationDatasetMetricAggregationFilter,
        description="At least one of llmBlueprintIds and chatIds is needed. The chats stay; an "
        "evaluation that is still going on in them is cancelled.",
    )
    def delete(self, request: Request) -> Response:
        query = self.query(EvaluationDatasetMetricAggregationFilter)
        if not query:
            raise Unprocessable.at("query", msg="Either llmBlueprintIds or chatIds is required")
        mine = EvaluationRun.objects.visible_to(self.user)
        chats = EvaluationChat.objects.filter(run__in=mine)
        if "llm_blueprint_ids" in query:
            chats = chats.filter(chat__blueprint__in=query["llm_blueprint_ids"])
        if "chat_ids" in query:
            chats = chats.filter(chat__in=query["chat_ids"])
        runs.delete_aggregations(chats, user=self.user)
        return Response(status=204)


_FILTERS = {
    "llm_blueprint_ids": "evaluation_chat__chat__blueprint__in",
    "chat_ids": "evaluation_chat__chat__in",
    "evaluation_dataset_configuration_ids": "evaluation_chat__run__configuration__in",
    "metric_names": "metric_name__in",
    "aggregation_types": "aggregation_type__in",
}


def _condition(query: dict[str, Any]) -> Q:
    condition = Q(**{path: query[name] for name, path in _FILTERS.items() if name in query})
    if query.get("current_configuration_only"):
        as_it_is = F("evaluation_chat__chat__blueprint__version")
        condition &= Q(evaluation_chat__blueprint_version=as_it_is)
    if query.get("non_errored_only"):
        condition &= Q(error_message="")
    return condition
