"""Putting the gold questions of a family to one of its vector databases. For workers only."""

from django.db import transaction

from config.errors import AppError
from config.status import UNFINISHED, Status
from config.threads import in_thread
from playground.gold import labelled_questions
from playground.gold_figures import K
from playground.models import GoldMeasurement, GoldQuestion, GoldResult
from vectordb.ingestion_rows import announce
from vectordb.models import VectorDatabase
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

# What a newcomer gets, but for as many passages as are looked at.
_SETTINGS = RetrievalSettings(max_documents_retrieved_per_prompt=K)


async def measure(measurement_id: str) -> None:
    """Retrieve for each gold question and keep what was found. It may be run again at any time."""
    measurement = await in_thread(_claim, measurement_id)
    if measurement is None:
        return
    database = measurement.vector_database
    found: list[tuple[GoldQuestion, list[dict[str, object]]]] = []
    try:
        for labelled in await in_thread(labelled_questions, database):
            found.append((labelled.question, await _passages(database, labelled.question.text)))
    except AppError as error:
        await in_thread(fail, measurement_id, error.message)
        return
    await in_thread(_keep, measurement, found)


def _claim(measurement_id: str) -> GoldMeasurement | None:
    waiting = GoldMeasurement.objects.filter(pk=measurement_id, status__in=UNFINISHED)
    if not waiting.update(status=Status.RUNNING, error_message=""):
        return None
    return GoldMeasurement.objects.select_related("vector_database").get(pk=measurement_id)


async def _passages(database: VectorDatabase, question: str) -> list[dict[str, object]]:
    retrieval = await retrieve(database, question, _SETTINGS)
    return [
        {
            "number": number,
            "document_id": passage.document_id,
            "source": passage.document_name,
            "start": passage.start,
            "end": passage.end,
        }
        for number, passage in enumerate(retrieval.passages, start=1)
    ]


def _keep(
    measurement: GoldMeasurement, found: list[tuple[GoldQuestion, list[dict[str, object]]]]
) -> None:
    with transaction.atomic():
        # Questions may be deleted meanwhile, and must not be until their results stand.
        ids = [question.pk for question, _ in found]
        there = set(
            GoldQuestion.objects.filter(pk__in=ids)
            .select_for_update(no_key=True)
            .values_list("pk", flat=True)
        )
        measurement.results.all().delete()
        GoldResult.objects.bulk_create(
            GoldResult(measurement=measurement, question=question, citations=citations)
            for question, citations in found
            if question.pk in there
        )
        # When it was asked for anew meanwhile, another job comes.
        GoldMeasurement.objects.filter(pk=measurement.pk, status=Status.RUNNING).update(
            status=Status.COMPLETED
        )
        announce(measurement.vector_database_id)


def fail(measurement_id: str, message: str) -> None:
    measurements = GoldMeasurement.objects.filter(pk=measurement_id)
    measurements.filter(status__in=UNFINISHED).update(status=Status.ERROR, error_message=message)
    for database_id in measurements.values_list("vector_database", flat=True):
        announce(database_id)
