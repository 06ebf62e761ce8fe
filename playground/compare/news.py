"""What pages that show a comparison are told through their event streams."""

from typing import Any

from django.db import transaction
from django.db.models import F

from config.notify import publish
from playground.models import Chat, ComparisonChat

JOINED = "joined"


@transaction.atomic
def tell(comparison_id: str, question_id: str | None = None) -> None:
    """That something of the comparison changed: of one of its questions, or of all. Not what: each
    reader asks for what they may see. Whoever misses a revision knows by the next."""
    ComparisonChat.objects.filter(pk=comparison_id).update(revision=F("revision") + 1)
    data = {**revision_of(comparison_id), "question": question_id}
    publish(topic=topic_of(comparison_id), event="compared", data=data)


def tell_joined(comparison_id: str) -> None:
    """Streams follow its columns, of which there is one more."""
    publish(topic=topic_of(comparison_id), event=JOINED, data={"comparison": comparison_id})


def topic_of(comparison_id: str) -> str:
    return f"comparison:{comparison_id}"


def revision_of(comparison_id: str) -> dict[str, Any]:
    found = ComparisonChat.objects.filter(pk=comparison_id).values_list("revision", flat=True)
    return {"comparison": comparison_id, "revision": found.first()}


def columns_of(comparison_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of their chats with single blueprints."""
    chats = Chat.objects.filter(comparison__in=comparison_ids).order_by("pk")
    return tuple(chats.values_list("pk", flat=True)) if comparison_ids else ()
