"""`genai/playgrounds/{id}/supportedInsights/`: what answers of a playground are measured by."""

from rest_framework.request import Request
from rest_framework.response import Response

from blueprints.models import Blueprint
from config.api.openapi import operation
from config.api.views import Endpoint
from evaluation import insights
from evaluation.api_metrics import find_playground
from evaluation.serializers_metrics import InsightsCopyRequest, InsightsQuery, InsightsSerializer
from playground.models import Playground


class SupportedInsights(Endpoint):
    @operation(
        "What an evaluation in a playground can tell",
        answers=InsightsSerializer,
        query=InsightsQuery,
        name="listSupportedInsights",
    )
    def get(self, request: Request, playground_id: str) -> Response:
        playground = find_playground(self.user, playground_id)
        query = self.query(InsightsQuery)
        found = insights.insights_of(playground)
        if "llm_blueprint_ids" in query:
            blueprints = Blueprint.objects.visible_to(self.user).select_related("version")
            named = blueprints.filter(pk__in=query["llm_blueprint_ids"], playgrounds=playground)
            found = insights.possible_for(found, list(named))
        if query["with_aggregation_types_only"]:
            found = [one for one in found if one.aggregation_types]
        if query["production_only"]:
            found = [one for one in found if one.is_for_production]
        if query["completed_only"]:
            found = [one for one in found if one.problem is None]
        return _insights(found)


class CopiedInsights(Endpoint):
    @operation(
        "Take over another playground's metrics",
        takes=InsightsCopyRequest,
        answers=InsightsSerializer,
        name="copySupportedInsights",
    )
    def put(self, request: Request, playground_id: str, source_playground_id: str) -> Response:
        target = find_playground(self.user, playground_id)
        source = find_playground(self.user, source_playground_id)
        given = self.body(InsightsCopyRequest)
        insights.copy_insights(
            user=self.user,
            source=source,
            target=target,
            add_to_existing=given["add_to_existing"],
            with_datasets=given["with_evaluation_datasets"],
        )
        return _insights_of(target)


def _insights_of(playground: Playground) -> Response:
    return _insights(insights.insights_of(playground))


def _insights(found: list[insights.Insight]) -> Response:
    return Response(InsightsSerializer({"insights_configuration": found}).data)
