"""The metrics that come with the product: what each is, and what it needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from blueprints.catalogue import EXTRACTIVE_ID
from blueprints.models import LLM
from config.status import Status
from evaluation.models import AggregationType, MetricConfiguration, MetricName

PROMPT, RESPONSE = "prompt_pipeline", "response_pipeline"
OPERATIONAL, QUALITY = "Operational metric", "Quality metric"


@dataclass(frozen=True, slots=True)
class Kind:
    """`stages` tells what is looked at. A metric that `judges` is the opinion of an LLM."""

    insight_type: str
    stages: tuple[str, ...]
    unit: str = ""
    judges: bool = False
    needs_documents: bool = False
    needs_reference: bool = False
    aggregations: tuple[AggregationType, ...] = (AggregationType.AVERAGE,)


_VIOLATION = (AggregationType.AVERAGE, AggregationType.PERCENT_YES)

KINDS: dict[str, Kind] = {
    MetricName.LATENCY: Kind(OPERATIONAL, (RESPONSE,), "seconds"),
    MetricName.PROMPT_TOKENS: Kind(OPERATIONAL, (PROMPT,), "tokens"),
    MetricName.RESPONSE_TOKENS: Kind(OPERATIONAL, (RESPONSE,), "tokens"),
    MetricName.DOCUMENT_TOKENS: Kind(OPERATIONAL, (PROMPT,), "tokens"),
    MetricName.ALL_TOKENS: Kind(OPERATIONAL, (RESPONSE,), "tokens"),
    MetricName.CITATIONS: Kind(OPERATIONAL, (PROMPT,), needs_documents=True),
    MetricName.ROUGE_1: Kind(QUALITY, (RESPONSE,), needs_documents=True),
    MetricName.FAITHFULNESS: Kind(
        QUALITY, (RESPONSE,), judges=True, needs_documents=True, aggregations=_VIOLATION
    ),
    MetricName.CORRECTNESS: Kind(
        QUALITY, (RESPONSE,), judges=True, needs_reference=True, aggregations=_VIOLATION
    ),
    MetricName.JAILBREAK: Kind(QUALITY, (PROMPT,), judges=True, aggregations=_VIOLATION),
    MetricName.TOXICITY: Kind(QUALITY, (PROMPT, RESPONSE), judges=True, aggregations=_VIOLATION),
    # By rules; with an LLM that is named, by its opinion.
    MetricName.PII: Kind(QUALITY, (PROMPT, RESPONSE), aggregations=_VIOLATION),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a metric cannot be measured, and what to do about it."""

    message: str
    resolution: str


def is_judged(configuration: MetricConfiguration) -> bool:
    return KINDS[configuration.name].judges or bool(configuration.llm_id)


def can_judge(llm: LLM) -> bool:
    """The built-in LLM only quotes."""
    return llm.pk != EXTRACTIVE_ID


def judges_of(configurations: Sequence[MetricConfiguration]) -> dict[str, LLM]:
    """The LLMs, by id, that can be asked for these metrics. One query, or none."""
    ids = {configuration.llm_id for configuration in configurations if configuration.llm_id}
    if not ids:
        return {}
    found = LLM.objects.usable().select_related("endpoint").filter(pk__in=ids)
    return {llm.pk: llm for llm in found if can_judge(llm)}


def problem_of(configuration: MetricConfiguration, judges: dict[str, LLM]) -> Problem | None:
    """What keeps this metric from being measured; None when nothing does."""
    if not is_judged(configuration) or configuration.llm_id in judges:
        return None
    label = configuration.get_name_display()
    if not configuration.llm_id:
        return Problem(
            f"{label} is judged by an LLM, and none is named.",
            "Configure the metric again with the llmId of an LLM that is to judge.",
        )
    return Problem(
        f"The LLM “{configuration.llm_id}”, which is to judge, is gone or switched off.",
        "Have it switched on again, or configure the metric again with another llmId.",
    )


@dataclass(frozen=True, slots=True)
class Described:
    """A configured metric, and what keeps it from being measured."""

    configuration: MetricConfiguration
    problem: Problem | None

    @property
    def status(self) -> Status:
        return Status.ERROR if self.problem else Status.COMPLETED


def described(configurations: Sequence[MetricConfiguration]) -> list[Described]:
    """One query for all of them."""
    judges = judges_of(configurations)
    return [Described(one, problem_of(one, judges)) for one in configurations]
