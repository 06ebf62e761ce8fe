"""Where the settings of a retrieval test come from: nowhere, a blueprint, or an answer's trace."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.models import UseCase
from blueprints.llm_settings import LLMSettings
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings
from tracing.models import Log, LogKind
from tracing.reading import asked_of
from vectordb.retrieval_settings import RetrievalSettings

OWN = "own"


@dataclass(frozen=True, slots=True)
class Source:
    """`id` is that of a blueprint or a trace, else OWN. Only a trace has a question of its own."""

    id: str
    label: str
    settings: AnswerSettings
    text: str = ""
    metadata_filter: dict[str, Any] | None = None


def sources_of(use_case: UseCase, wanted: Iterable[str] = ()) -> dict[str, Source]:
    """By id: own settings, then the use case's blueprints, then those of its traces that are among
    the `wanted` ids."""
    own = Source(OWN, "Own settings", AnswerSettings())
    blueprints = Blueprint.objects.with_settings().filter(use_case=use_case).order_by("name", "pk")
    sources = [own, *(_of_blueprint(blueprint) for blueprint in blueprints)]
    known = {source.id: source for source in sources}
    traces = Log.objects.filter(
        use_case=use_case,
        parent=None,
        kind=LogKind.ANSWER,
        pk__in=[pk for pk in wanted if pk not in known],
    )
    for trace in (
        traces.filter(payload__isnull=False)
        .select_related("payload")
        .prefetch_related("children__payload")
    ):
        known[trace.pk] = _of_trace(trace)
    return known


def _of_blueprint(blueprint: Blueprint) -> Source:
    return Source(blueprint.pk, blueprint.name, AnswerSettings.of_version(blueprint.current))


def _of_trace(trace: Log) -> Source:
    asked = asked_of(trace.payload)
    # A guard may have put another question in the place of the one that was asked.
    searched = [log.payload.inputs for log in trace.children.all() if log.kind == LogKind.RETRIEVE]
    text = searched[0].get("query") if searched else None
    return Source(
        trace.pk,
        f"The answer of {trace.started_at:%-d %b %Y, %H:%M}",
        AnswerSettings(
            llm_id=asked.get("llm_id"),
            llm_settings=LLMSettings.from_json(asked.get("llm_settings") or {}),
            vector_database_id=asked.get("vector_database_id"),
            retrieval_settings=RetrievalSettings.from_json(asked.get("retrieval_settings") or {}),
        ),
        text=text or asked.get("question") or "",
        metadata_filter=asked.get("metadata_filter"),
    )
