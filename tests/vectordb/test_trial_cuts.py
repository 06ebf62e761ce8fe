"""Documents cut on trial: as ingestion cuts them, within limits, and forgotten."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from config.status import Status
from tests.vectordb import samples
from tests.vectordb.conftest import HANDBOOK, add, build
from vectordb import estimates, services, trial_cuts
from vectordb.chunking_settings import ChunkingSettings
from vectordb.embedding_models import MINILM
from vectordb.interruption import Interrupted
from vectordb.lab_figures import Figures
from vectordb.models import Chunk, TrialCut, VectorDatabase
from vectordb.trial_cuts import Outcome

WORDS = "Parcels over twenty kilograms go by freight, and the boat sails on Tuesdays. "
LONG = "\n\n".join(f"Rule {number}. " + WORDS * 3 for number in range(120)).encode()
ROWS = b"""document,document_file_path,topic
Brass lamps come back within thirty days.,a.txt,lamps
Boats are never taken back.,b.txt,boats
"""


def words(count: int) -> str:
    """As frequent as words are: the n-th of them an n-th as often as the first."""
    chosen = random.Random(7)  # noqa: S311 - no secret
    numbers = (round(6_000 ** chosen.random()) for _ in range(count))
    return " ".join(f"{number:x}" + "aeiou"[number % 5] * (number % 4) for number in numbers)


def tried(document, **chunking) -> TrialCut:
    settings = ChunkingSettings(**chunking)
    [trial] = services.try_chunkings(document, user=document.created_by, chunkings=[settings])
    trial_cuts.run(trial.pk)
    trial.refresh_from_db()
    return trial


def outcome_of(document, **chunking) -> Outcome:
    trial = tried(document, **chunking)
    assert trial.status == Status.COMPLETED, trial.error_message
    assert trial.outcome is not None
    return Outcome.from_json(trial.outcome)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("long.txt", LONG),
        ("handbook.md", HANDBOOK),
        ("pages.pdf", samples.pdf("Goods come back.\n" * 30, "", WORDS)),
        ("rows.csv", ROWS),
    ],
)
@pytest.mark.parametrize(
    "chunking",
    [
        {"chunk_size": 128, "chunk_overlap_percentage": 50},
        {"chunking_method": "semantic"},
        {"is_custom_chunking": True},
    ],
    ids=["recursive", "semantic", "custom"],
)
def test_a_trial_shows_what_ingestion_would_store(dataset, name, content, chunking):
    document = add(dataset, name, content)

    outcome = outcome_of(document, **chunking)

    database = build(dataset, **chunking)
    stored = list(Chunk.objects.filter(vector_database_id=database.pk))
    assert [chunk.tokens for chunk in outcome.chunks] == [chunk.token_count for chunk in stored]
    assert [chunk.page for chunk in outcome.chunks] == [chunk.page for chunk in stored]
    assert all(
        whole.text.endswith(shown.text) for whole, shown in zip(stored, outcome.chunks, strict=True)
    )
    assert outcome.is_whole


def test_what_two_chunks_hold_is_shown_once_and_marked(dataset):
    document = add(dataset, "long.txt", LONG)

    chunks = outcome_of(document, chunk_size=128, chunk_overlap_percentage=25).chunks

    assert "".join("".join(chunk.text for chunk in chunks).split()) == "".join(
        LONG.decode().split()
    )
    assert sum(chunk.shared > 0 for chunk in chunks) > len(chunks) / 2
    for before, chunk in pairwise(chunks):
        assert before.own + before.repeated == before.text
        assert (before.shared > 0) == (chunk.overlap > 0)
        assert chunk.overlap <= 128 * 25 // 100


@pytest.mark.parametrize("method", ["recursive", "semantic"])
def test_only_the_beginning_of_a_long_document_is_cut(dataset, monkeypatch, method):
    document = add(dataset, "long.txt", LONG * 20)
    monkeypatch.setattr(trial_cuts, "MOST_CHARACTERS", 20_000)

    outcome = outcome_of(document, chunking_method=method)

    assert 15_000 < sum(len(chunk.text) for chunk in outcome.chunks) <= 20_000
    assert 0 < outcome.share < 0.5
    assert not outcome.is_whole


def test_the_first_chunk_is_shown_however_long_it_is(dataset, monkeypatch):
    document = add(dataset, "long.txt", LONG)
    monkeypatch.setattr(trial_cuts, "MOST_CHARACTERS", 10)

    assert len(outcome_of(document).chunks) == 1


def test_what_takes_too_long_says_so(dataset, monkeypatch):
    document = add(dataset, "long.txt", LONG)
    monkeypatch.setattr(trial_cuts, "MOST_SECONDS", -1.0)

    trial = tried(document)

    assert trial.status == Status.ERROR
    assert "choose a smaller one" in trial.error_message


def test_what_was_cut_in_time_is_shown(dataset, monkeypatch):
    """The pattern finds its way through the first blocks, and none through the last."""
    endless = b"x" * 70_000 + b" " + b"a" * 60 + b"!" + b"x" * 70_000
    document = add(dataset, "long.txt", LONG * 4 + endless)
    monkeypatch.setattr(trial_cuts, "MOST_SECONDS", 10.0)

    outcome = outcome_of(document, separators=("\n\n", " (?:a|aa)+b"), is_separator_regex=True)

    assert outcome.chunks
    assert not outcome.is_whole


def test_a_document_that_cannot_be_read_says_why(dataset):
    document = add(dataset, "blank.pdf", samples.pdf("", ""))

    trial = tried(document)

    assert trial.status == Status.ERROR
    assert "There is no text in this PDF" in trial.error_message


def test_a_file_that_is_gone_says_so(dataset, media):
    document = add(dataset, "long.txt", LONG)
    (media / document.stored_name).unlink()

    trial = tried(document)

    assert trial.status == Status.ERROR


def test_a_worker_that_ends_leaves_the_trial_to_the_next(dataset):
    document = add(dataset, "long.txt", LONG)
    [trial] = services.try_chunkings(
        document, user=document.created_by, chunkings=[ChunkingSettings()]
    )

    with pytest.raises(Interrupted):
        trial_cuts.run(trial.pk, should_end=lambda: True)
    trial_cuts.run(trial.pk)

    trial.refresh_from_db()
    assert trial.status == Status.COMPLETED


def test_settings_that_were_tried_are_not_tried_again_unless_they_failed(dataset, monkeypatch):
    document = add(dataset, "long.txt", LONG)
    first = tried(document)
    assert tried(document).pk == first.pk
    TrialCut.objects.update(status=Status.ERROR)

    assert tried(document).pk != first.pk


def test_of_two_comparisons_only_the_second_is_waited_for(dataset):
    document = add(dataset, "long.txt", LONG)
    ask = services.try_chunkings
    both = [ChunkingSettings(), ChunkingSettings(chunk_size=128)]
    first = ask(document, user=document.created_by, chunkings=both)

    second = ask(document, user=document.created_by, chunkings=[ChunkingSettings(chunk_size=200)])

    for trial in first:
        trial_cuts.run(trial.pk)
        trial.refresh_from_db()
        assert (trial.status, trial.outcome) == (Status.CANCELLED, None)
        assert "press Compare" in trial.error_message
    assert TrialCut.objects.get(pk=second[0].pk).status == Status.NEW


def test_what_was_tried_is_forgotten(dataset, alice):
    document = add(dataset, "long.txt", LONG)
    for size in range(128, 128 + 25):
        services.try_chunkings(document, user=alice, chunkings=[ChunkingSettings(chunk_size=size)])
    assert TrialCut.objects.count() == 20
    old = timezone.now() - trial_cuts.KEPT - timedelta(seconds=1)
    five = list(TrialCut.objects.values_list("pk", flat=True)[:5])
    TrialCut.objects.filter(pk__in=five).update(created_at=old)

    trial_cuts.forget_old()

    assert TrialCut.objects.count() == 15
    document.delete()
    assert not TrialCut.objects.exists()


def test_what_others_are_compared_with_is_kept(dataset, alice):
    document = add(dataset, "long.txt", LONG)
    same = ChunkingSettings(chunk_size=128)
    sizes = range(130, 130 + 25)
    for size in sizes:
        others = [same, ChunkingSettings(chunk_size=size)]
        shown = services.try_chunkings(document, user=alice, chunkings=others)
        TrialCut.objects.update(status=Status.COMPLETED)

        assert TrialCut.objects.filter(pk__in=[one.pk for one in shown]).count() == 2
    kept = {one.chunking["chunk_size"] for one in TrialCut.objects.all()}
    assert kept == {128, *sizes[-20:]}


def test_a_trial_runs_as_a_job(transactional_db, dataset, run_jobs):
    document = add(dataset, "long.txt", LONG)
    chunkings = [ChunkingSettings(), ChunkingSettings(chunking_method="semantic")]

    trials = services.try_chunkings(document, user=document.created_by, chunkings=chunkings)
    run_jobs()

    assert {TrialCut.objects.get(pk=one.pk).status for one in trials} == {Status.COMPLETED}


@pytest.mark.parametrize("size", [128, 256])
def test_the_estimated_size_is_about_that_of_the_database(dataset, size):
    document = add(dataset, "words.txt", words(30_000).encode())

    estimated = outcome_of(document, chunk_size=size).room.bytes()

    real = build(dataset, chunk_size=size).size
    assert real * 0.75 < estimated < real * 1.25


def test_the_pace_is_that_of_past_ingestions(dataset):
    document = add(dataset, "long.txt", LONG)
    assert outcome_of(document).tokens_per_second is None
    database = build(dataset)
    began = timezone.now()
    database.ingestions.update(started_at=began, finished_at=began + timedelta(seconds=10))
    tokens = sum(chunk.token_count for chunk in Chunk.objects.all())
    # The same content once more: its chunks were copied, which tells nothing of the pace.
    copy = build(dataset)
    later = began + timedelta(hours=1)
    copy.ingestions.update(started_at=later, finished_at=later + timedelta(milliseconds=1))

    assert estimates.tokens_per_second(MINILM) == pytest.approx(tokens / 10)
    assert estimates.tokens_per_second("other") is None
    VectorDatabase.objects.all().delete()
    assert estimates.tokens_per_second(MINILM) is None


def test_figures_are_for_the_whole_document_and_dataset(dataset, monkeypatch):
    document = add(dataset, "long.txt", LONG)
    add(dataset, "other.txt", LONG[: len(LONG) // 2])
    outcome = outcome_of(document)
    chunking = ChunkingSettings()

    figures = Figures.of(outcome, chunking, document)

    tokens = sorted(chunk.tokens for chunk in outcome.chunks)
    assert (figures.count, figures.smallest, figures.largest) == (len(tokens), *tokens[:: len(tokens) - 1])  # fmt: skip
    assert figures.smallest <= figures.median <= figures.largest
    assert sum(bar.count for bar in figures.bars) == figures.count
    assert max(bar.height for bar in figures.bars) == 80
    assert figures.widest >= 255
    assert figures.document.bytes == outcome.room.bytes()
    assert figures.dataset.bytes == pytest.approx(1.5 * outcome.room.bytes(), rel=0.1)
    assert figures.document.seconds is None
    half = Outcome(outcome.chunks, 0.5, outcome.room, 100.0)
    assert Figures.of(half, chunking, document).document.chunks == 2 * len(tokens)
    assert Figures.of(half, chunking, document).document.seconds == pytest.approx(
        2 * sum(tokens) / 100
    )


def test_each_chunk_tells_where_in_the_document_it_stands(dataset):
    handbook = add(dataset, "handbook.md", HANDBOOK * 5)
    rows = add(dataset, "rows.csv", ROWS)

    assert "Returns" in {chunk.place for chunk in outcome_of(handbook, chunk_size=128).chunks}
    assert [chunk.place for chunk in outcome_of(rows).chunks] == ["a.txt", "b.txt"]
