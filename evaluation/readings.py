"""What a metric says of one answer, and how that is kept with it."""

from dataclasses import dataclass
from typing import Any

from config.status import Status
from evaluation.metrics import KINDS
from evaluation.models import MetricConfiguration, MetricName
from evaluation.moderation import Measured, guards
from playground.hooks import Figures


@dataclass(frozen=True, slots=True)
class Reading:
    """`clean_text` is `text` without what the metric objects to, where it can tell."""

    metric: MetricConfiguration
    stage: str
    status: Status = Status.COMPLETED
    measured: Measured | None = None
    error_message: str = ""
    reason: str = ""
    text: str = ""
    clean_text: str | None = None

    @property
    def is_guarded(self) -> bool:
        """Whether the metric's intervention is due."""
        return self.measured is not None and guards(self.metric.moderation, self.measured)

    @property
    def action(self) -> str:
        moderation = self.metric.moderation
        return str(moderation["intervention"]["action"]) if moderation else ""

    @property
    def message(self) -> str:
        moderation = self.metric.moderation
        return str(moderation["intervention"]["message"]) if moderation else ""


def plain_value(name: str, figures: Figures, scores: dict[str, float] | None) -> float | None:
    """What needs no opinion: seconds, tokens, numbers of documents, shares; None where there are
    no sources to speak of."""
    match name:
        case MetricName.LATENCY:
            return round(figures.latency_ms / 1_000, 3)
        case MetricName.PROMPT_TOKENS:
            return figures.input_tokens
        case MetricName.RESPONSE_TOKENS:
            return figures.output_tokens
        case MetricName.DOCUMENT_TOKENS:
            return figures.document_tokens
        case MetricName.ALL_TOKENS:
            return figures.input_tokens + figures.output_tokens
        case MetricName.CITATIONS:
            return len(figures.passages)
    return scores["rouge"] if scores else None


def metadata(reading: Reading) -> dict[str, Any]:
    """The reading with the names of `playground.serializers.MetricSerializer`."""
    metric = reading.metric
    found: dict[str, Any] = {
        "name": metric.shown_name,
        "formatted_name": str(metric),
        "value": reading.measured.value if reading.measured else None,
        "formatted_value": _formatted(reading),
        "execution_status": str(reading.status),
        "error_message": reading.error_message,
        "stage": reading.stage,
        "ootb_metric_id": metric.pk,
    }
    if reading.reason:
        found["reason"] = reading.reason
    if reading.is_guarded:
        found["intervention"] = {"action": reading.action, "message": reading.message}
    return found


def _formatted(reading: Reading) -> str:
    if reading.measured is None:
        return ""
    value, words = reading.measured.value, ", ".join(reading.measured.words)
    if reading.metric.name == MetricName.PII and not reading.metric.llm_id:
        return words or "none"
    unit = KINDS[reading.metric.name].unit
    text = f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"
    shown = f"{text} {unit}".rstrip()
    return f"{shown}: {words}" if words else shown
