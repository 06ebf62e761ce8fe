"""Which metric an insight means, and the value that it has for one answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from config.errors import InvalidInput
from evaluation.aggregation import Value
from evaluation.models import AggregationType, MetricConfiguration
from playground.models import ChatPrompt, Playground

# What is known of every answer, whether a metric of it was configured or not.
_KNOWN: dict[str, Callable[[ChatPrompt], Value | None]] = {
    "latency": lambda prompt: (prompt.latency_ms or 0) / 1_000,
    "prompt_tokens": lambda prompt: prompt.input_tokens,
    "response_tokens": lambda prompt: prompt.output_tokens,
    "document_tokens": lambda prompt: prompt.docs_tokens,
    "all_tokens": lambda prompt: (prompt.input_tokens or 0) + (prompt.output_tokens or 0),
    "citations": lambda prompt: len(prompt.citations),
    "rouge_1": lambda prompt: (prompt.confidence_scores or {}).get("rouge"),
    "cost": lambda prompt: None if prompt.cost is None else float(prompt.cost),
}
_FIELD = "insights_configuration"


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value for one answer, and whether its guard acted."""

    value: Value
    is_guarded: bool = False


def resolve(insights: Sequence[dict[str, Any]], playground: Playground) -> list[dict[str, Any]]:
    """The insights as a run keeps them: {"name", "known", "metric_id", "cost_id", "stage",
    "has_guard", "aggregation_types"}. Raises InvalidInput for a metric that is not there."""
    metrics = list(playground.metrics.all())
    prices = set(playground.cost_configurations.values_list("pk", flat=True))
    return [_resolved(insight, metrics, prices) for insight in insights]


def _resolved(
    insight: dict[str, Any], metrics: Sequence[MetricConfiguration], prices: set[str]
) -> dict[str, Any]:
    if AggregationType.NGRAM_IMPORTANCE in (insight.get("aggregation_types") or []):
        raise InvalidInput("ngramImportance is not available here: leave it out.", field=_FIELD)
    cost_id = insight.get("cost_configuration_id")
    metric = None if cost_id else _metric(insight, metrics)
    names = _names(insight)
    known = next((name for name in names if name in _KNOWN), None)
    if cost_id not in prices and metric is None and (known is None or _has_id(insight)):
        raise InvalidInput(
            f"There is no metric “{names[-1]}” in this playground: configure it first.",
            field=_FIELD,
        )
    return {
        "name": insight["insight_name"],
        "known": None if cost_id or metric else known,
        "metric_id": metric.pk if metric else None,
        "cost_id": cost_id,
        "stage": insight.get("stage"),
        "has_guard": metric is not None and metric.moderation is not None,
        "aggregation_types": list(dict.fromkeys(insight.get("aggregation_types") or [])),
    }


def _names(insight: dict[str, Any]) -> list[str]:
    return [name for name in (insight.get("ootb_metric_name"), insight["insight_name"]) if name]


def _has_id(insight: dict[str, Any]) -> bool:
    return bool(insight.get("ootb_metric_id") or insight.get("cost_configuration_id"))


def _metric(
    insight: dict[str, Any], metrics: Sequence[MetricConfiguration]
) -> MetricConfiguration | None:
    """By its id where the insight has one, else by the name that answers call it, or its kind."""
    wanted = insight.get("ootb_metric_id")
    if wanted:
        return next((metric for metric in metrics if metric.pk == wanted), None)
    names = set(_names(insight))
    called = [metric for metric in metrics if metric.shown_name in names]
    return next(iter(called + [metric for metric in metrics if metric.name in names]), None)


def figure_of(insight: dict[str, Any], prompt: ChatPrompt) -> Figure | None:
    """None where the answer has no value of this metric, or none that can be aggregated."""
    if insight["known"]:
        value = _KNOWN[insight["known"]](prompt)
        return None if value is None else Figure(value)
    found = [metric for metric in prompt.metrics if _is_meant(insight, metric)]
    # A metric that looks at question and answer speaks for the answer unless told otherwise.
    value = found[-1].get("value") if found else None
    if not isinstance(value, str | int | float):
        return None
    return Figure(value, is_guarded="intervention" in found[-1])


def _is_meant(insight: dict[str, Any], metric: dict[str, Any]) -> bool:
    if insight["stage"] and metric.get("stage") not in {None, insight["stage"]}:
        return False
    if insight["cost_id"]:
        return bool(metric.get("cost_configuration_id") == insight["cost_id"])
    return bool(metric.get("ootb_metric_id") == insight["metric_id"])
