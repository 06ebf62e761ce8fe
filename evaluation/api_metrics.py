"""`genai/ootbMetricConfigurations/` and `genai/costMetricConfigurations/`, below playgrounds too."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import UseCase, User
from config.api.errors import Unprocessable
from config.api.openapi import operation
from config.api.views import Endpoint, find
from evaluation import configuring
from evaluation.configuring import MetricWish
from evaluation.metrics import described
from evaluation.models import CostConfiguration, MetricConfiguration, MetricName
from evaluation.serializers_metrics import (
    CostConfigurationPatch,
    CostConfigurationRequest,
    CostConfigurationSerializer,
    MetricConfigurationSerializer,
    MetricConfigurationsRequest,
    MetricConfigurationsSerializer,
)
from playground.models import Playground


def find_playground(user: User, playground_id: str) -> Playground:
    rows = Playground.objects.visible_to(user).select_related("use_case")
    return find(rows, playground_id, "Playground")


class OotbMetricConfigurations(Endpoint):
    @operation(
        "The metrics that answers in a playground get",
        answers=MetricConfigurationsSerializer,
        name="listOotbMetricConfigurations",
    )
    def get(self, request: Request, playground_id: str) -> Response:
        playground = find_playground(self.user, playground_id)
        return _metrics(MetricConfiguration.objects.filter(playground=playground))

    @operation(
        "Measure more of the answers to come",
        takes=MetricConfigurationsRequest,
        answers=MetricConfigurationsSerializer,
        status=201,
        description="A metric that is there by this name and custom name is changed. The answer "
        "holds the metrics that were sent. Where one cannot be measured, its executionStatus is "
        "ERROR, and errorResolution says what to do.",
    )
    def post(self, request: Request, playground_id: str) -> Response:
        playground = find_playground(self.user, playground_id)
        given = self.body(MetricConfigurationsRequest)["ootb_metric_configurations"]
        made = configuring.configure_metrics(
            user=self.user, playground=playground, wishes=[_wish(one) for one in given]
        )
        return _metrics(made, status=201)


class OneOotbMetricConfiguration(Endpoint):
    @operation("A metric of a playground", answers=MetricConfigurationSerializer)
    def get(self, request: Request, configuration_id: str) -> Response:
        shown = described([self._own(configuration_id)])[0]
        return Response(MetricConfigurationSerializer(shown).data)

    @operation("Measure it no more", status=204, description="Answers keep what they have of it.")
    def delete(self, request: Request, configuration_id: str) -> Response:
        configuring.delete_metric(self._own(configuration_id), user=self.user)
        return Response(status=204)

    def _own(self, configuration_id: str) -> MetricConfiguration:
        rows = MetricConfiguration.objects.visible_to(self.user)
        rows = rows.select_related("playground__use_case")
        return find(rows, configuration_id, "Metric configuration")


class CostMetricConfigurations(Endpoint):
    @operation(
        "Set what LLMs cost",
        takes=CostConfigurationRequest,
        answers=CostConfigurationSerializer,
        status=201,
        description="Later answers of these LLMs in the playground cost so much.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(CostConfigurationRequest)
        use_case = find(UseCase.objects.visible_to(self.user), given["use_case_id"], "Use case")
        playground = find_playground(self.user, given["playground_id"])
        if playground.use_case_id != use_case.pk:
            raise Unprocessable.at(
                "body", "playgroundId", msg="The playground belongs to another use case"
            )
        made = configuring.create_costs(
            user=self.user,
            playground=playground,
            name=given.get("name") or "",
            prices=given["cost_metric_configurations"],
        )
        return Response(CostConfigurationSerializer(made).data, status=201)


class OneCostMetricConfiguration(Endpoint):
    @operation("What LLMs cost", answers=CostConfigurationSerializer)
    def get(self, request: Request, configuration_id: str) -> Response:
        return Response(CostConfigurationSerializer(self._own(configuration_id)).data)

    @operation(
        "Change what LLMs cost",
        takes=CostConfigurationPatch,
        answers=CostConfigurationSerializer,
        description="The prices are replaced as a whole. Earlier answers keep their cost.",
    )
    def patch(self, request: Request, configuration_id: str) -> Response:
        configuration = self._own(configuration_id)
        given = self.body(CostConfigurationPatch)
        changed = configuring.update_costs(
            configuration,
            user=self.user,
            name=(given["name"] or "") if "name" in given else None,
            prices=given.get("cost_metric_configurations"),
        )
        return Response(CostConfigurationSerializer(changed).data)

    @operation("Forget these prices", status=204)
    def delete(self, request: Request, configuration_id: str) -> Response:
        configuring.delete_costs(self._own(configuration_id), user=self.user)
        return Response(status=204)

    def _own(self, configuration_id: str) -> CostConfiguration:
        rows = CostConfiguration.objects.visible_to(self.user)
        rows = rows.select_related("playground__use_case")
        return find(rows, configuration_id, "Cost metric configuration")


def _wish(given: dict[str, Any]) -> MetricWish:
    extra = given.get("extra_metric_settings") or {}
    return MetricWish(
        name=MetricName(given["ootb_metric_name"]),
        custom_name=given.get("custom_ootb_metric_name") or "",
        llm_id=given.get("llm_id") or "",
        custom_model_llm_validation_id=given.get("custom_model_llm_validation_id") or "",
        moderation=given.get("moderation_configuration"),
        extra_settings=extra if extra.get("tool_call_accuracy") else None,
    )


def _metrics(
    configurations: QuerySet[MetricConfiguration] | list[MetricConfiguration], *, status: int = 200
) -> Response:
    shown = {"ootb_metric_configurations": described(list(configurations))}
    return Response(MetricConfigurationsSerializer(shown).data, status=status)
