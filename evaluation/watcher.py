"""Measures one answer by the metrics of its playground, and rules on it by their guards."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blueprints.models import LLM, Blueprint
from blueprints.providers.base import ProviderError
from config.compiled import Compiled, given
from config.status import Status
from config.threads import in_thread
from evaluation.costs import cost_metrics
from evaluation.judge import judge
from evaluation.metrics import (
    KINDS,
    PROMPT,
    RESPONSE,
    Problem,
    is_judged,
    judges_of,
    problem_of,
)
from evaluation.models import CostConfiguration, EvaluationRow, MetricConfiguration, MetricName
from evaluation.moderation import Action, Measured
from evaluation.personal_data import find_personal_data, masked
from evaluation.readings import Reading, metadata, plain_value
from evaluation.scores import confidence_scores
from playground.answering import Stopwatch
from playground.hooks import PASSED, Figures, Ruling
from playground.models import ChatPrompt, PlaygroundBlueprint

logger = logging.getLogger(__name__)

_FAILED = "This metric could not be measured; the server's log says more."
_NO_SOURCES = "There are no sources to hold the answer against."
_NO_REFERENCE = "There is no reference answer: ask by way of an evaluation dataset that has them."
_NOT_REACHED = "The answer ended before this was measured."
# What reads the texts themselves; everything else reads figures.
_READS_TEXT = (MetricName.JAILBREAK, MetricName.TOXICITY, MetricName.PII)
_CHANGES_TEXT = (Action.BLOCK, Action.REPLACE)


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to measure and to reckon for one prompt."""

    metrics: Sequence[MetricConfiguration]
    costs: Sequence[CostConfiguration]
    judges: dict[str, LLM]
    llm_id: str
    reference: str


def plan_for(prompt: ChatPrompt) -> Plan:
    metrics = list(MetricConfiguration.objects.filter(playground=prompt.chat.playground_id))
    reference = ""
    if any(KINDS[metric.name].needs_reference for metric in metrics):
        rows = EvaluationRow.objects.filter(prompt=prompt).values_list("reference", flat=True)
        reference = rows.first() or ""
    return Plan(
        metrics=metrics,
        costs=list(CostConfiguration.objects.filter(playground=prompt.chat.playground_id)),
        judges=judges_of(metrics),
        llm_id=prompt.llm_id,
        reference=reference,
    )


_AT_HOME = Compiled(
    lambda: MetricConfiguration.objects.filter(
        playground__in=PlaygroundBlueprint.objects.filter(
            blueprint=given("blueprint"), is_home=True
        ).values("playground")
    )
)


def plan_for_call(blueprint: Blueprint, llm_id: str) -> Plan:
    """The guards of the playground that the blueprint was made in go with it to whoever calls it; what
    only measures does not."""
    guards = [metric for metric in _AT_HOME.all(blueprint=blueprint.pk) if metric.moderation]
    return Plan(metrics=guards, costs=[], judges=judges_of(guards), llm_id=llm_id, reference="")


class AnswerWatcher:
    """See `playground.hooks.Watcher`.

    A guard acts only on what was measured: where that fails, the metric tells why and the answer
    passes.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._readings: dict[tuple[str, str], Reading] = {}
        self.spent_ms = 0.0

    @property
    def withholds(self) -> bool:
        return any(
            RESPONSE in KINDS[metric.name].stages and _action(metric) in _CHANGES_TEXT
            for metric in self._plan.metrics
        )

    async def on_question(self, question: str) -> Ruling:
        due = [metric for metric in self._of(PROMPT) if metric.name in _READS_TEXT]
        return await self._rule(due, PROMPT, Figures(question=question), question)

    async def on_prompt(self, figures: Figures) -> Ruling:
        due = [
            metric
            for metric in self._of(PROMPT)
            if metric.name not in _READS_TEXT and metric.moderation
        ]
        return await self._rule(due, PROMPT, figures, figures.question)

    async def on_answer(self, figures: Figures) -> Ruling:
        due = [
            metric
            for metric in self._of(RESPONSE)
            if metric.moderation or metric.name in _READS_TEXT or is_judged(metric)
        ]
        return await self._rule(due, RESPONSE, figures, figures.text)

    def metrics(self, figures: Figures | None) -> list[dict[str, Any]]:
        found = []
        for metric in self._plan.metrics:
            for stage in KINDS[metric.name].stages:
                reading = self._readings.get((metric.pk, stage)) or self._late(
                    metric, stage, figures
                )
                if reading is not None:
                    found.append(metadata(reading))
        if figures is not None:
            found += cost_metrics(self._plan.costs, self._plan.llm_id, figures)
        return found

    def _of(self, stage: str) -> Iterable[MetricConfiguration]:
        return (metric for metric in self._plan.metrics if stage in KINDS[metric.name].stages)

    async def _rule(
        self,
        due: Sequence[MetricConfiguration],
        stage: str,
        figures: Figures,
        text: str,
    ) -> Ruling:
        if not due:
            return PASSED
        watch = Stopwatch()
        try:
            readings = await asyncio.gather(
                *(self._measured(metric, stage, figures, text) for metric in due)
            )
        finally:
            self.spent_ms += watch.milliseconds()
        ruling = _ruling([reading for reading in readings if reading.is_guarded])
        if stage == RESPONSE and ruling != PASSED:
            # A reason may quote what nobody is to see.
            readings = [replace(reading, reason="") for reading in readings]
        self._readings |= {(reading.metric.pk, stage): reading for reading in readings}
        return ruling

    async def _measured(
        self, metric: MetricConfiguration, stage: str, figures: Figures, text: str
    ) -> Reading:
        problem = problem_of(metric, self._plan.judges)
        if problem is not None:
            return _failed(metric, stage, problem)
        try:
            return await self._measure(metric, stage, figures, text)
        except ProviderError as error:
            return Reading(metric, stage, Status.ERROR, error_message=error.message)
        except Exception:
            logger.exception("The metric %s failed", metric.name)
            return Reading(metric, stage, Status.ERROR, error_message=_FAILED)

    async def _measure(
        self, metric: MetricConfiguration, stage: str, figures: Figures, text: str
    ) -> Reading:
        if is_judged(metric):
            return await self._judged(metric, stage, figures, text)
        if metric.name == MetricName.PII:
            return _personal_data(metric, stage, text)
        if metric.name == MetricName.ROUGE_1:
            scores = await in_thread(confidence_scores, figures.text, figures.passages)
            return _plain(metric, stage, figures, scores)
        return _plain(metric, stage, figures, None)

    async def _judged(
        self, metric: MetricConfiguration, stage: str, figures: Figures, text: str
    ) -> Reading:
        material = {"text": text}
        if metric.name == MetricName.FAITHFULNESS:
            if not figures.passages:
                return Reading(metric, stage, Status.SKIPPED, error_message=_NO_SOURCES)
            sources = "\n\n".join(figures.passages)
            material = {"question": figures.question, "sources": sources, "answer": text}
        elif metric.name == MetricName.CORRECTNESS:
            if not self._plan.reference:
                return Reading(metric, stage, Status.SKIPPED, error_message=_NO_REFERENCE)
            material = {
                "question": figures.question,
                "reference": self._plan.reference,
                "answer": text,
            }
        name = MetricName(metric.name)
        opinion = await judge(self._plan.judges[metric.llm_id], name, material)
        return Reading(
            metric, stage, measured=Measured(opinion.score), text=text, reason=opinion.reason
        )

    def _late(
        self, metric: MetricConfiguration, stage: str, figures: Figures | None
    ) -> Reading | None:
        """A metric at the end of an answer that nothing had to wait for."""
        if figures is None:
            return None
        problem = problem_of(metric, self._plan.judges)
        if problem is not None:
            return _failed(metric, stage, problem)
        if is_judged(metric) or metric.name in _READS_TEXT:
            return Reading(metric, stage, Status.SKIPPED, error_message=_NOT_REACHED)
        return _plain(metric, stage, figures, figures.scores)


def _action(metric: MetricConfiguration) -> str:
    return metric.moderation["intervention"]["action"] if metric.moderation else ""


def _failed(metric: MetricConfiguration, stage: str, problem: Problem) -> Reading:
    return Reading(
        metric, stage, Status.ERROR, error_message=f"{problem.message} {problem.resolution}"
    )


def _personal_data(metric: MetricConfiguration, stage: str, text: str) -> Reading:
    found = find_personal_data(text)
    kinds = tuple(dict.fromkeys(finding.kind for finding in found))
    measured = Measured(float(bool(found)), kinds)
    return Reading(metric, stage, measured=measured, text=text, clean_text=masked(text, found))


def _plain(
    metric: MetricConfiguration, stage: str, figures: Figures, scores: dict[str, float] | None
) -> Reading:
    value = plain_value(metric.name, figures, scores)
    if value is None:
        return Reading(metric, stage, Status.SKIPPED, error_message=_NO_SOURCES)
    words = tuple(dict.fromkeys(figures.sources)) if metric.name == MetricName.CITATIONS else ()
    return Reading(metric, stage, measured=Measured(value, words), text=figures.text)


def _ruling(guarded: Sequence[Reading]) -> Ruling:
    """To block overrules to replace, and that to report."""
    for reading in guarded:
        if reading.action == Action.BLOCK:
            return Ruling(message=reading.message)
    replacing = [reading for reading in guarded if reading.action == Action.REPLACE]
    for reading in replacing:
        if reading.clean_text is None or reading.clean_text == reading.text:
            return Ruling(text=reading.message)
    return Ruling(text=replacing[0].clean_text) if replacing else PASSED
