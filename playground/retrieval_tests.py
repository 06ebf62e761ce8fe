"""Retrieval tests: what would be found for a question, with these settings or with others beside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor, role_of
from blueprints.catalogue import EXTRACTIVE_ID
from blueprints.settings import AnswerSettings
from config.errors import Conflict, Forbidden, InvalidInput
from config.status import Status
from playground.asking import check_text
from playground.models import RetrievalSide, RetrievalTest
from playground.retrieval_tasks import enqueue_test
from vectordb.models import VectorDatabase
from vectordb.retrieval import validate_metadata_filter
from vectordb.retrieval_settings import Retriever

# Of one user and one vector database; a new test puts out what came before.
MOST_KEPT = 50
# Of one user, whom the queue has beside everybody else.
MOST_UNFINISHED = 4
_MOST_SIDES = 2
# Characters. Whole documents are given to an LLM to read, not searched for.
LONGEST_QUESTION = 8_000


@dataclass(frozen=True, slots=True)
class SideWish:
    """How one side is to search. With an LLM in its settings, passages are capped as for its answer;
    without a vector database in them, that of the test is searched."""

    label: str
    settings: AnswerSettings
    source_id: str = ""


@transaction.atomic
def create_test(
    *,
    user: User,
    database: VectorDatabase,
    text: str,
    sides: Sequence[SideWish],
    metadata_filter: dict[str, Any] | None = None,
) -> RetrievalTest:
    """Have a question searched for by one side or two; a worker does it. Whoever sees the use case
    may, but for searches before which an LLM is asked. Raises InvalidInput with the field, Forbidden,
    and Conflict while as many of the user's tests as one may have wait or run."""
    if role_of(database.use_case, user) is None:
        raise Forbidden("Only members of the use case may search in it.")
    if any(_asks_an_llm(wish.settings) for wish in sides):
        require_editor(database.use_case, user)
    _check_question(text)
    validate_metadata_filter(metadata_filter)
    if not 1 <= len(sides) <= _MOST_SIDES:
        raise InvalidInput("A test has one side, or two that are compared.")
    _require_few_unfinished(user)
    test = RetrievalTest.objects.create(
        vector_database=database, text=text, metadata_filter=metadata_filter, created_by=user
    )
    RetrievalSide.objects.bulk_create(
        _side(test, position, wish) for position, wish in enumerate(sides)
    )
    _forget_older(test)
    enqueue_test(test.pk)
    return test


def _check_question(text: str) -> None:
    if len(text) > LONGEST_QUESTION:
        raise InvalidInput(
            f"The question has {len(text):,} characters; at most {LONGEST_QUESTION:,} can be searched "
            "for. Shorten it.",
            field="text",
        )
    check_text(text)


def _require_few_unfinished(user: User) -> None:
    # Locked, or tests that are made at one moment would not count each other.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if RetrievalTest.objects.unfinished().filter(created_by=user).count() >= MOST_UNFINISHED:
        raise Conflict(
            f"{MOST_UNFINISHED} of your tests are not done yet: wait until one is, then search again."
        )


def _asks_an_llm(settings: AnswerSettings) -> bool:
    """A test has no history, which leaves one retriever that does."""
    is_asked = settings.retrieval_settings.retriever == Retriever.MULTI_STEP
    return is_asked and settings.llm_id not in (None, EXTRACTIVE_ID)


def _side(test: RetrievalTest, position: int, wish: SideWish) -> RetrievalSide:
    database = _searchable(test, wish.settings)
    return RetrievalSide(
        test=test,
        position=position,
        label=wish.label,
        source_id=wish.source_id,
        llm_id=wish.settings.llm_id or "",
        llm_settings=wish.settings.llm_settings.to_json(),
        vector_database_id=database.pk,
        database_name=database.name,
        retrieval_settings=wish.settings.retrieval_settings.to_json(),
    )


def _searchable(test: RetrievalTest, settings: AnswerSettings) -> VectorDatabase:
    own = test.vector_database
    database: VectorDatabase | None = own
    if settings.vector_database_id not in (None, own.pk):
        others = VectorDatabase.objects.filter(use_case=own.use_case_id)
        database = others.filter(pk=settings.vector_database_id).first()
    if database is None:
        raise InvalidInput(
            "The vector database was deleted, or is not of this use case: choose another one.",
            field="vector_database_id",
        )
    if database.status != Status.COMPLETED:
        raise InvalidInput(
            f"“{database.name}” is not ready: wait until it is built, or choose another one.",
            field="vector_database_id",
        )
    return database


def _forget_older(test: RetrievalTest) -> None:
    mine = RetrievalTest.objects.filter(
        vector_database=test.vector_database_id, created_by=test.created_by_id
    )
    # The new one first: ids tell the order of those that were made in one moment only roughly.
    older = mine.exclude(pk=test.pk).values_list("pk", flat=True)[MOST_KEPT - 1 :]
    RetrievalTest.objects.filter(pk__in=list(older)).delete()
