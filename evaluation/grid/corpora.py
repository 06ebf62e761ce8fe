"""Whether the answers of a grid rest on the same documents."""

from evaluation.models import EvaluationRun
from playground.compare.warnings import corpus_warnings
from playground.models import ChatPrompt
from vectordb.models import VectorDatabase


def warnings_of(run: EvaluationRun) -> list[str]:
    """As under compared answers. All that a blueprint was asked lies between its first answer and its
    last."""
    asked = (
        ChatPrompt.objects.filter(
            evaluation_row__evaluation_chat__run=run, vector_database_id__isnull=False
        )
        .only("chat__blueprint", "vector_database_id", "created_at")
        .select_related("chat")
        .distinct("chat_id")
    )
    ends = [*asked.order_by("chat_id", "created_at"), *asked.order_by("chat_id", "-created_at")]
    databases = VectorDatabase.objects.in_bulk({prompt.vector_database_id for prompt in ends})
    places = run.playground.places.select_related("blueprint")
    return corpus_warnings(ends, list(places), databases)
