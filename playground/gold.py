"""Which passages help to answer a question, as people say it with their thumbs."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from accounts.services import require_editor, role_of
from config.errors import Conflict, Forbidden, NotFound
from playground.models import ChatPrompt, GoldLabel, GoldQuestion
from vectordb.models import VectorDatabase


@dataclass(slots=True)
class GoldPassage:
    """A place in a document and how many think that it helps, or does not."""

    label: GoldLabel
    ups: int = 0
    downs: int = 0

    @property
    def is_relevant(self) -> bool:
        return self.ups > self.downs


@dataclass(slots=True)
class LabelledQuestion:
    question: GoldQuestion
    passages: list[GoldPassage] = field(default_factory=list)


@transaction.atomic
def label_passage(prompt: ChatPrompt, number: int, *, user: User, is_relevant: bool | None) -> None:
    """One user's word on whether a cited passage helps to answer the question; None takes it back.

    Every member may judge. Raises NotFound for a number that the answer does not cite, and Conflict
    when the vector database is gone.
    """
    use_case = prompt.chat.playground.use_case
    if role_of(use_case, user) is None:
        raise Forbidden("Only members of the use case may judge its passages.")
    citation = citation_of(prompt, number)
    database = searched_database(prompt)
    if database is None:
        raise Conflict("The vector database of this answer was deleted: there is nothing to judge.")
    place = _place_of(citation)
    if is_relevant is None:
        _labels(prompt, database).filter(user=user, **place).delete()
        return
    question, _ = GoldQuestion.objects.get_or_create(
        **_key(prompt, database),
        defaults={"use_case": use_case, "text": prompt.text, "created_by": user},
    )
    told = {
        "is_relevant": is_relevant,
        "page": citation["page"],
        "text": citation["text"],
    }
    GoldLabel.objects.update_or_create(question=question, user=user, **place, defaults=told)


def citation_of(prompt: ChatPrompt, number: int) -> dict[str, Any]:
    """What the answer calls [number]. Raises NotFound."""
    for citation in prompt.citations:
        if citation["number"] == number:
            cited: dict[str, Any] = citation
            return cited
    raise NotFound("This answer has no such citation.")


def searched_database(prompt: ChatPrompt) -> VectorDatabase | None:
    """The one whose passages the answer cites, unless it was deleted: then none can be judged."""
    databases = prompt.chat.playground.use_case.vector_databases
    return databases.filter(pk=prompt.vector_database_id or "").first()


def own_label(prompt: ChatPrompt, number: int, *, user: User) -> bool | None:
    """What this user said of the passage."""
    database = searched_database(prompt)
    if database is None:
        return None
    place = _place_of(citation_of(prompt, number))
    labels = _labels(prompt, database).filter(user=user, **place)
    return labels.values_list("is_relevant", flat=True).first()


def delete_gold_question(question: GoldQuestion, *, user: User) -> None:
    """With what everybody said of its passages."""
    require_editor(question.use_case, user)
    question.delete()


def labelled_questions(database: VectorDatabase) -> list[LabelledQuestion]:
    """The gold questions of the database's family, oldest first, with every place that was judged."""
    # A question of which all labels were taken back is as if it had never been.
    judged = GoldQuestion.objects.filter(
        Exists(GoldLabel.objects.filter(question=OuterRef("pk"))), family_id=database.family_id
    )
    listed = []
    for question in judged.prefetch_related("labels"):
        places: dict[tuple[str, str, int, int], GoldPassage] = {}
        for label in question.labels.all():
            place = (label.document_id, label.document_name, label.start, label.end)
            passage = places.setdefault(place, GoldPassage(label))
            passage.ups += label.is_relevant
            passage.downs += not label.is_relevant
        listed.append(LabelledQuestion(question, list(places.values())))
    return listed


def _labels(prompt: ChatPrompt, database: VectorDatabase) -> QuerySet[GoldLabel]:
    question = GoldQuestion.objects.filter(**_key(prompt, database))
    return GoldLabel.objects.filter(question__in=question)


def _key(prompt: ChatPrompt, database: VectorDatabase) -> dict[str, str]:
    digest = hashlib.sha256(prompt.text.encode()).hexdigest()
    return {"family_id": database.family_id, "digest": digest}


def _place_of(citation: dict[str, Any]) -> dict[str, Any]:
    return {
        "document_id": citation["document_id"],
        "document_name": citation["source"],
        "start": citation["start"],
        "end": citation["end"],
    }
