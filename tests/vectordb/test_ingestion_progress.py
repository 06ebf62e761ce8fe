from datetime import timedelta

import pytest
from django.utils import timezone

from config.status import Status
from tests.vectordb.conftest import add, create
from vectordb.ingestion_progress import Progress
from vectordb.models import Document, Ingestion, VectorDatabase


@pytest.fixture
def database(dataset) -> VectorDatabase:
    """Three documents of a thousand bytes wait."""
    for name in ("a.txt", "b.txt", "c.txt"):
        add(dataset, name, name.encode())
    Document.objects.update(size=1_000)
    return create(dataset)


def told(database, number, *, seconds_ago, share=1.0, chunks=0, status=Status.COMPLETED, took=10):
    """How an ingestion stands that began so many seconds ago; a completed one took ten."""
    begun = timezone.now() - timedelta(seconds=seconds_ago)
    ended = begun + timedelta(seconds=took) if status == Status.COMPLETED else None
    Ingestion.objects.filter(vector_database=database, number=number).update(
        status=status,
        started_at=begun,
        finished_at=ended,
        progress_done=round(share * 100),
        progress_total=100,
        chunks_count=chunks,
    )


def test_nothing_is_foretold_before_something_was_done(database):
    assert Progress.of(database).pace is None
    told(database, 1, seconds_ago=5, share=0, status=Status.RUNNING)
    assert Progress.of(database).pace is None


def test_the_pace_is_that_of_the_work_so_far(database):
    told(database, 1, seconds_ago=20, chunks=300)
    told(database, 2, seconds_ago=10, share=0.5, chunks=100, status=Status.RUNNING)

    pace = Progress.of(database).pace

    assert pace is not None
    # 1,500 of 3,000 bytes and 400 chunks in twenty seconds.
    assert pace.chunks_per_second == pytest.approx(20, rel=0.05)
    assert pace.milliseconds_left == pytest.approx(20_000, rel=0.05)


def test_what_was_done_long_ago_does_not_slow_it_down(database):
    told(database, 1, seconds_ago=100_000, chunks=300)
    told(database, 2, seconds_ago=10, share=0.5, chunks=100, status=Status.RUNNING)

    pace = Progress.of(database).pace

    assert pace is not None
    assert pace.chunks_per_second == pytest.approx(10, rel=0.05)
    assert pace.milliseconds_left == pytest.approx(30_000, rel=0.05)


def test_nor_does_the_time_in_which_nothing_was_done(database):
    told(database, 1, seconds_ago=310, chunks=300)
    told(database, 2, seconds_ago=10, share=0.5, chunks=100, status=Status.RUNNING)

    pace = Progress.of(database).pace

    assert pace is not None
    assert pace.chunks_per_second == pytest.approx(20, rel=0.05)


def test_a_document_that_takes_an_hour_still_tells_its_pace(database):
    told(database, 1, seconds_ago=3600, share=0.5, chunks=36_000, status=Status.RUNNING)

    pace = Progress.of(database).pace

    assert pace is not None
    assert pace.chunks_per_second == pytest.approx(10, rel=0.05)


def test_nor_is_anything_foretold_once_all_is_done(database):
    for number in (1, 2, 3):
        told(database, number, seconds_ago=30 - number, chunks=10)

    progress = Progress.of(database)

    assert progress.pace is None
    assert (progress.percent, progress.finished) == (100, 3)


def test_a_complete_database_runs_while_a_document_is_on_its_way(database):
    VectorDatabase.objects.update(status=Status.COMPLETED)
    database.refresh_from_db()
    assert Progress.of(database).is_running
    Ingestion.objects.update(status=Status.COMPLETED)
    assert not Progress.of(database).is_running
