"""The figures under compared answers, the best of each kind marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from config.formats import dollars, duration
from playground.models import ChatPrompt
from playground.support.scores import support_from_json, tally_of

_LESS_IS_BETTER = {
    *("median latency", "cost per 1,000", "errors"),
    *("latency", "first token", "tokens", "cost"),
    *("prompt tokens", "response tokens", "all tokens"),
    *("jailbreak attempt", "toxicity", "personal data"),
}
_MORE_IS_BETTER = {"supported", "rouge-1", "faithfulness", "correctness", "word f1"}
_OWN = ("latency", "first token", "tokens", "cost")
_UNKNOWN = "\N{EN DASH}"
_NOT_YET = "…"


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is None where there is none; `hint` says more about it."""

    name: str
    text: str
    value: float | None = None
    hint: str = ""
    is_best: bool = False


def figures_of(
    results: Sequence[ChatPrompt | None], more: Mapping[str, Figure] | None = None
) -> list[list[Figure]]:
    """For each result the same figures in the same order. A blueprint that was not asked has none.
    `more` is one that others know of a result, by its id."""
    found = [{} if result is None else _known(result) for result in results]
    for result, figures in zip(results, found, strict=True):
        if result is not None and more and result.pk in more:
            figures[more[result.pk].name] = more[result.pk]
    names = dict.fromkeys((*_OWN, *_expected(results), *(name for one in found for name in one)))
    rows = [
        [] if result is None else [figures.get(name) or _missing(name, result) for name in names]
        for result, figures in zip(results, found, strict=True)
    ]
    return marked(rows)


def values_of(result: ChatPrompt) -> dict[str, float]:
    """Its figures that are numbers, by name."""
    known = _known(result).values()
    return {figure.name: figure.value for figure in known if figure.value is not None}


def _expected(results: Sequence[ChatPrompt | None]) -> list[str]:
    """Named from the start, so that nothing moves when the answers end."""
    reads = any(one and one.vector_database_id for one in results)
    return ["supported", "rouge-1"] if reads else []


def _missing(name: str, result: ChatPrompt) -> Figure:
    return Figure(name, _UNKNOWN if result.is_finished else _NOT_YET)


def _known(result: ChatPrompt) -> dict[str, Figure]:
    # Their own come last: a metric may have the name of one.
    figures = [*_scores(result), *_times(result), *_usage(result)]
    return {figure.name: figure for figure in figures}


def _times(result: ChatPrompt) -> list[Figure]:
    times = {"latency": result.latency_ms, "first token": result.first_token_ms}
    return [
        Figure(name, duration(value), value) for name, value in times.items() if value is not None
    ]


def _usage(result: ChatPrompt) -> list[Figure]:
    figures: list[Figure] = []
    if result.input_tokens is not None:
        sent, written = result.input_tokens, result.output_tokens or 0
        hint = f"{sent:,} read, {written:,} written"
        if result.tokens_estimated:
            hint += ", estimated: the LLM did not count them"
        total = sent + written
        shown = f"{'~' if result.tokens_estimated else ''}{total:,}"
        figures.append(Figure("tokens", shown, total, hint))
    if result.cost is not None:
        figures.append(Figure("cost", dollars(result.cost), float(result.cost)))
    return figures


def _scores(result: ChatPrompt) -> list[Figure]:
    figures = [figure for metric in result.metrics if (figure := _metric(metric))]
    rouge = (result.confidence_scores or {}).get("rouge")
    if rouge is not None:
        hint = "How far the answer is the sources' own words"
        figures.insert(0, Figure("rouge-1", f"{rouge:.2f}", rouge, hint))
    if tally := tally_of(support_from_json(result.sentence_support)):
        hint = f"Sentences that passages support; {tally.weak} more weakly, {tally.unsupported} not"
        shown = f"{tally.supported}/{tally.sentences}"
        figures.insert(0, Figure("supported", shown, tally.share, hint))
    return figures


def _metric(metric: dict[str, Any]) -> Figure | None:
    name = str(metric.get("formatted_name") or metric["name"]).lower()
    value = metric.get("value")
    number = float(value) if isinstance(value, int | float) else None
    hint = str(metric.get("error_message") or metric.get("reason") or "")
    if metric.get("formatted_value"):
        return Figure(name, str(metric["formatted_value"]), number, hint)
    return Figure(name, "failed", None, hint) if metric.get("error_message") else None


def marked(rows: list[list[Figure]]) -> list[list[Figure]]:
    """Two answers at least must have a figure, and differ in it, for one of them to be the best."""
    values: dict[str, list[float]] = {}
    for figure in (figure for row in rows for figure in row if figure.value is not None):
        values.setdefault(figure.name, []).append(figure.value or 0.0)
    best = {
        name: min(known) if name in _LESS_IS_BETTER else max(known)
        for name, known in values.items()
        if len(set(known)) > 1 and name in _LESS_IS_BETTER | _MORE_IS_BETTER
    }
    return [
        [
            replace(one, is_best=one.value is not None and one.value == best.get(one.name))
            for one in row
        ]
        for row in rows
    ]
