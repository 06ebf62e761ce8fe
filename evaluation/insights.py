"""Which metrics a playground has, as evaluations take them; and taking them to another."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import Blueprint
from config.errors import InvalidInput
from config.status import Status
from evaluation.costs import COST
from evaluation.metrics import KINDS, OPERATIONAL, Problem, described
from evaluation.models import (
    AggregationType,
    CostConfiguration,
    EvaluationDatasetConfiguration,
    MetricConfiguration,
)
from playground.models import Playground


@dataclass(frozen=True, slots=True)
class Insight:
    """A configured metric, or the prices that costs are reckoned by."""

    name: str
    insight_type: str
    aggregation_types: tuple[str, ...]
    unit: str = ""
    stage: str = ""
    configuration: MetricConfiguration | None = None
    cost_configuration_id: str = ""
    problem: Problem | None = None

    @property
    def status(self) -> Status:
        return Status.ERROR if self.problem else Status.COMPLETED

    @property
    def needs_documents(self) -> bool:
        return self.configuration is not None and KINDS[self.configuration.name].needs_documents

    @property
    def is_for_production(self) -> bool:
        """A reference answer is there in evaluations only."""
        return self.configuration is None or not KINDS[self.configuration.name].needs_reference


def insights_of(playground: Playground) -> list[Insight]:
    """In the order in which they were configured, prices last."""
    found = described(list(MetricConfiguration.objects.filter(playground=playground)))
    metrics = [_of_metric(one.configuration, one.problem) for one in found]
    prices = CostConfiguration.objects.filter(playground=playground)
    return metrics + [_of_prices(one) for one in prices]


def possible_for(insights: Sequence[Insight], blueprints: Sequence[Blueprint]) -> list[Insight]:
    """Those that at least one of these blueprints can have; of no blueprint, none."""
    if not blueprints:
        return []
    has_documents = any(one.current.vector_database_id for one in blueprints)
    return [one for one in insights if has_documents or not one.needs_documents]


@transaction.atomic
def copy_insights(
    *,
    user: User,
    source: Playground,
    target: Playground,
    add_to_existing: bool,
    with_datasets: bool = False,
) -> None:
    """Give `target` the metrics and prices of `source`, and its evaluation datasets if wanted.

    A metric that both have becomes as it is in the source. Without `add_to_existing` the target
    loses what it had of its own. Raises InvalidInput for datasets of another use case.
    """
    require_editor(target.use_case, user)
    if source.pk == target.pk:
        raise InvalidInput("This is the same playground: name another one to copy from.")
    if with_datasets and source.use_case_id != target.use_case_id:
        raise InvalidInput(
            "The playgrounds belong to different use cases: copy without the datasets.",
            field="with_evaluation_datasets",
        )
    if not add_to_existing:
        target.metrics.all().delete()
        target.cost_configurations.all().delete()
    _copy_metrics(user, source, target)
    _copy_prices(user, source, target)
    if with_datasets:
        _copy_datasets(user, source, target)


def _of_metric(configuration: MetricConfiguration, problem: Problem | None) -> Insight:
    kind = KINDS[configuration.name]
    aggregations = list(kind.aggregations)
    if configuration.moderation:
        aggregations.append(AggregationType.GUARD_CONDITION_PERCENT_YES)
    return Insight(
        name=configuration.shown_name,
        insight_type=kind.insight_type,
        aggregation_types=tuple(str(one) for one in aggregations),
        unit=kind.unit,
        stage=kind.stages[0] if len(kind.stages) == 1 else "",
        configuration=configuration,
        problem=problem,
    )


def _of_prices(configuration: CostConfiguration) -> Insight:
    currencies = {price["currency_code"] for price in configuration.prices}
    return Insight(
        name=configuration.name or COST,
        insight_type=OPERATIONAL,
        aggregation_types=(str(AggregationType.AVERAGE),),
        unit=next(iter(currencies)) if len(currencies) == 1 else "",
        cost_configuration_id=configuration.pk,
    )


def _copy_metrics(user: User, source: Playground, target: Playground) -> None:
    for metric in source.metrics.all():
        settings = {
            name: getattr(metric, name)
            for name in ("llm_id", "custom_model_llm_validation_id", "moderation", "extra_settings")
        }
        MetricConfiguration.objects.update_or_create(
            playground=target,
            name=metric.name,
            custom_name=metric.custom_name,
            defaults=settings,
            create_defaults=settings | {"created_by": user},
        )


def _copy_prices(user: User, source: Playground, target: Playground) -> None:
    mine = [(one.name, one.prices) for one in target.cost_configurations.all()]
    for one in source.cost_configurations.all():
        if (one.name, one.prices) not in mine:
            CostConfiguration.objects.create(
                playground=target, name=one.name, prices=one.prices, created_by=user
            )


def _copy_datasets(user: User, source: Playground, target: Playground) -> None:
    copied = ("dataset_id", "prompt_column_name", "response_column_name")
    mine = set(target.evaluation_datasets.values_list("name", *copied))
    for one in source.evaluation_datasets.order_by("created_at", "pk"):
        if (one.name, *(getattr(one, name) for name in copied)) in mine:
            continue
        shown = {
            field.attname: getattr(one, field.attname)
            for field in EvaluationDatasetConfiguration._meta.concrete_fields
            if field.name not in {"id", "playground", "created_by", "created_at"}
        }
        EvaluationDatasetConfiguration.objects.create(**shown, playground=target, created_by=user)
