"""What this app brings along to the path of an answer: see `playground.hooks`."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q

from blueprints.models import Blueprint
from evaluation.models import CostConfiguration, MetricConfiguration
from evaluation.scores import confidence_scores, load
from evaluation.watcher import AnswerWatcher, plan_for, plan_for_call
from playground.models import ChatPrompt

_IS_WATCHED = "is_watched"


class MetricsOversight:
    """Prompts of a playground with a metric or prices are watched; all others cost nothing."""

    def annotations(self) -> dict[str, Q]:
        here = OuterRef("chat__playground")
        metrics = MetricConfiguration.objects.filter(playground=here)
        prices = CostConfiguration.objects.filter(playground=here)
        return {_IS_WATCHED: Exists(metrics) | Exists(prices)}

    def watcher(self, prompt: ChatPrompt) -> AnswerWatcher | None:
        return AnswerWatcher(plan_for(prompt)) if getattr(prompt, _IS_WATCHED) else None

    def watcher_of_call(self, blueprint: Blueprint, llm_id: str) -> AnswerWatcher | None:
        plan = plan_for_call(blueprint, llm_id)
        return AnswerWatcher(plan) if plan.metrics else None

    def prepare(self) -> None:
        load()

    def scores(self, answer: str, passages: Sequence[str]) -> dict[str, float] | None:
        return confidence_scores(answer, passages)
