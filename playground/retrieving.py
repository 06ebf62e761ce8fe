"""Making a retrieval test: each side is searched just as an answer would be. Knows no queue."""

from django.db import transaction

from blueprints.models import LLM
from config.errors import AppError
from config.notify import publish
from config.status import UNFINISHED, Status
from config.threads import in_thread
from playground.answer_log import record_rewrites
from playground.answering import Failed, Question, read_for
from playground.models import RetrievalSide, RetrievalTest
from playground.outcome import Outcome
from playground.searching import search_without_llm
from playground.spending import spending
from vectordb.models import VectorDatabase
from vectordb.passages import Retrieval
from vectordb.retrieval import retrieve


async def run(test_id: str) -> None:
    """Do the test, once: what was begun and broken off left nothing, so it may start over.

    One side after the other, so that neither slows the times that the other shows. What a side
    meets with is kept as its error; only what is unexpected is raised.
    """
    test = await in_thread(_begin, test_id)
    if test is None:
        return
    sides = list(test.sides.all())
    for side in sides:
        try:
            retrieval = await _retrieve(test, side)
        except AppError as error:
            side.error_message = error.message
        else:
            side.passages = [passage.to_json() for passage in retrieval.passages]
            side.explain = retrieval.explain()
    await in_thread(_finish, test, sides)


def fail(test_id: str, message: str) -> None:
    test = RetrievalTest.objects.unfinished().filter(pk=test_id).first()
    if test is not None:
        _end(test, Status.ERROR, message)


def _begin(test_id: str) -> RetrievalTest | None:
    """The test with its sides; None when it is done or was deleted."""
    tests = RetrievalTest.objects.unfinished().filter(pk=test_id)
    tests.update(status=Status.RUNNING)
    return tests.select_related("vector_database").prefetch_related("sides").first()


async def _retrieve(test: RetrievalTest, side: RetrievalSide) -> Retrieval:
    """As for an answer of the LLM that is named, whose context is a cap too; else by the settings
    alone."""
    settings = side.settings
    database, llm = await in_thread(_found, test, side)
    if llm is not None:
        question = Question(
            text=test.text,
            llm=llm,
            llm_settings=settings.llm_settings,
            vector_database=database,
            retrieval_settings=settings.retrieval_settings,
            metadata_filter=test.metadata_filter,
            history=(),
        )
        return await _read_for(test, question)
    search = search_without_llm(settings.retrieval_settings.retriever, test.text, ())
    return await retrieve(
        database,
        search.text,
        settings.retrieval_settings,
        searches=search.further,
        metadata_filter=test.metadata_filter,
    )


async def _read_for(test: RetrievalTest, question: Question) -> Retrieval:
    """What the LLM is asked for it is recorded, however the search ends."""
    outcome = Outcome()
    try:
        retrieval = await read_for(question, outcome.note_rewrite)
    except AppError as error:
        outcome.ended = Failed(error.message)
        raise
    finally:
        if outcome.rewrites:
            await in_thread(
                record_rewrites,
                outcome,
                spending(question.llm, outcome, ""),
                question=test.text,
                use_case_id=test.vector_database.use_case_id,
                user_id=test.created_by_id,
            )
    assert retrieval is not None  # noqa: S101 - there is a database
    return retrieval


def _found(test: RetrievalTest, side: RetrievalSide) -> tuple[VectorDatabase, LLM | None]:
    """What the side names. Raises AppError where it is gone since."""
    database = VectorDatabase.objects.filter(
        pk=side.vector_database_id,
        use_case=test.vector_database.use_case_id,
        status=Status.COMPLETED,
    ).first()
    if database is None:
        raise AppError("The vector database was deleted or is not ready: choose another one.")
    if not side.llm_id:
        return database, None
    llm = LLM.objects.usable().select_related("endpoint").filter(pk=side.llm_id).first()
    if llm is None:
        raise AppError(f"The LLM “{side.llm_id}” is gone or switched off: choose another one.")
    return database, llm


def _finish(test: RetrievalTest, sides: list[RetrievalSide]) -> None:
    with transaction.atomic():
        mine = RetrievalTest.objects.unfinished().select_for_update(no_key=True)
        # Somebody may have deleted it, or a worker that was taken for dead may have been first.
        if not mine.filter(pk=test.pk).exists():
            return
        RetrievalSide.objects.bulk_update(sides, ["passages", "explain", "error_message"])
        _end(test, Status.COMPLETED, "")


def _end(test: RetrievalTest, status: Status, message: str) -> None:
    with transaction.atomic():
        RetrievalTest.objects.filter(pk=test.pk, status__in=UNFINISHED).update(
            status=status, error_message=message
        )
        publish(
            topic=f"vector_database:{test.vector_database_id}",
            event="tested",
            data={"test": test.pk},
        )
