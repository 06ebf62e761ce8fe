"""What can be done with the metrics and prices of a playground. Answers from then on have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import LLM
from config.errors import InvalidInput
from evaluation.metrics import can_judge
from evaluation.models import CostConfiguration, MetricConfiguration, MetricName
from evaluation.moderation import check_condition
from playground.models import Playground

# Each may be an opinion that somebody pays for, of every answer.
MOST_METRICS = 50
MOST_COSTS = 50
_METRICS = "ootb_metric_configurations"
_PRICES = "cost_metric_configurations"


@dataclass(frozen=True, slots=True)
class MetricWish:
    """A metric as somebody wants it; see MetricConfiguration."""

    name: MetricName
    custom_name: str = ""
    llm_id: str = ""
    custom_model_llm_validation_id: str = ""
    moderation: dict[str, Any] | None = None
    extra_settings: dict[str, Any] | None = None


@transaction.atomic
def configure_metrics(
    *, user: User, playground: Playground, wishes: Sequence[MetricWish]
) -> list[MetricConfiguration]:
    """Measure these metrics from now on. One of the same name and custom name is changed, so that
    a script can run twice. Raises InvalidInput, and then changes nothing."""
    require_editor(playground.use_case, user)
    _check_wishes(wishes)
    made = [_configured(user, playground, wish) for wish in wishes]
    if playground.metrics.count() > MOST_METRICS:
        raise InvalidInput(
            f"A playground has at most {MOST_METRICS} metrics: delete some of them first.",
            field=_METRICS,
        )
    return made


@transaction.atomic
def delete_metric(configuration: MetricConfiguration, *, user: User) -> None:
    """Answers keep what was measured of them."""
    require_editor(configuration.playground.use_case, user)
    configuration.delete()


@transaction.atomic
def create_costs(
    *, user: User, playground: Playground, name: str, prices: Sequence[dict[str, Any]]
) -> CostConfiguration:
    """Reckon the cost of later answers by these prices. Raises InvalidInput."""
    require_editor(playground.use_case, user)
    _check_prices(prices)
    if playground.cost_configurations.count() >= MOST_COSTS:
        raise InvalidInput(
            f"A playground has at most {MOST_COSTS} lists of prices: delete some of them first.",
            field=_PRICES,
        )
    return CostConfiguration.objects.create(
        playground=playground, name=name, prices=list(prices), created_by=user
    )


@transaction.atomic
def update_costs(
    configuration: CostConfiguration,
    *,
    user: User,
    name: str | None = None,
    prices: Sequence[dict[str, Any]] | None = None,
) -> CostConfiguration:
    """None leaves as it is. Costs of earlier answers stay. Raises InvalidInput."""
    require_editor(configuration.playground.use_case, user)
    changed = []
    if name is not None:
        configuration.name = name
        changed.append("name")
    if prices is not None:
        _check_prices(prices)
        configuration.prices = list(prices)
        changed.append("prices")
    configuration.save(update_fields=changed)
    return configuration


@transaction.atomic
def delete_costs(configuration: CostConfiguration, *, user: User) -> None:
    require_editor(configuration.playground.use_case, user)
    configuration.delete()


def _configured(user: User, playground: Playground, wish: MetricWish) -> MetricConfiguration:
    configuration, _ = MetricConfiguration.objects.update_or_create(
        playground=playground,
        name=wish.name,
        custom_name=wish.custom_name,
        defaults={
            "llm_id": wish.llm_id,
            "custom_model_llm_validation_id": wish.custom_model_llm_validation_id,
            "moderation": wish.moderation,
            "extra_settings": wish.extra_settings,
        },
        create_defaults={
            "llm_id": wish.llm_id,
            "custom_model_llm_validation_id": wish.custom_model_llm_validation_id,
            "moderation": wish.moderation,
            "extra_settings": wish.extra_settings,
            "created_by": user,
        },
    )
    return configuration


def _check_wishes(wishes: Sequence[MetricWish]) -> None:
    ids = {wish.llm_id for wish in wishes if wish.llm_id}
    llms = LLM.objects.in_bulk(list(ids))
    names = set()
    for number, wish in enumerate(wishes):
        place = f"{_METRICS}.{number}"
        if (wish.name, wish.custom_name) in names:
            raise InvalidInput(
                "This metric is there twice: give one of them another custom name.",
                field=f"{place}.custom_ootb_metric_name",
            )
        names.add((wish.name, wish.custom_name))
        if wish.llm_id:
            _check_judge(llms.get(wish.llm_id), f"{place}.llm_id")
        conditions = wish.moderation["guard_conditions"] if wish.moderation else []
        for position, condition in enumerate(conditions):
            check_condition(
                condition["comparator"],
                condition["comparand"],
                field=f"{place}.moderation_configuration.guard_conditions.{position}.comparand",
            )


def _check_judge(llm: LLM | None, field: str) -> None:
    if llm is None:
        raise InvalidInput("The LLM does not exist (any more): choose another.", field=field)
    if not can_judge(llm):
        raise InvalidInput(
            f"{llm.label} only quotes sources and cannot judge: choose another LLM.", field=field
        )


def _check_prices(prices: Sequence[dict[str, Any]]) -> None:
    known = LLM.objects.in_bulk([price["llm_id"] for price in prices])
    seen = set()
    for number, price in enumerate(prices):
        field = f"{_PRICES}.{number}.llm_id"
        if price["llm_id"] not in known:
            raise InvalidInput("The LLM does not exist (any more): choose another.", field=field)
        if price["llm_id"] in seen:
            raise InvalidInput("This LLM has a price already: leave one of them out.", field=field)
        seen.add(price["llm_id"])
