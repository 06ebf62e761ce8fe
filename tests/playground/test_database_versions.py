"""Versions of a vector database: built beside each other, measured, used, and gone back from."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from blueprints.settings import AnswerSettings
from config.errors import Conflict, Forbidden
from config.status import Status
from playground import services
from playground.database_versions import measure_again, use_version, users_of_family
from playground.gold_figures import figures_by_version
from playground.models import ChatPrompt, GoldMeasurement, GoldQuestion
from vectordb import services as vectordb
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import VectorDatabase

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Until which day can opened items be returned?"


@pytest.fixture
def blueprint(alice, playground, llm, handbook):
    settings = AnswerSettings(llm_id=llm.pk, vector_database_id=handbook.pk)
    return services.create_blueprint(
        user=alice, playground=playground, name="Bot", settings=settings
    )


@pytest.fixture
def gold(alice, playground, blueprint, run_jobs) -> GoldQuestion:
    """A question that was answered, with the passage that answers it."""
    chat = services.create_chat(user=alice, playground=playground, blueprint=blueprint)
    services.ask(user=alice, chat=chat, text=QUESTION)
    run_jobs()
    prompt = ChatPrompt.objects.select_related("chat__playground__use_case").get()
    number = next(one["number"] for one in prompt.citations if one["source"] == "returns.md")
    services.label_passage(prompt, number, user=alice, is_relevant=True)
    return GoldQuestion.objects.get()


@pytest.fixture
def rebuilt(alice, handbook, run_jobs):
    """Builds the next version, for real."""

    def build(**more) -> VectorDatabase:
        settings = more.pop("chunking", ChunkingSettings(chunk_size=128))
        version = vectordb.rebuild_vector_database(handbook, user=alice, chunking=settings, **more)
        run_jobs()
        version.refresh_from_db()
        return version

    return build


def test_the_next_version_is_built_beside_the_one_in_use(rebuilt, handbook, blueprint):
    version = rebuilt(name="Shorter")

    assert (version.status, version.version, version.parent) == (Status.COMPLETED, 2, handbook)
    assert (version.family_id, version.name) == (handbook.family_id, "Shorter")
    assert (version.chunk_size, version.chunks_count) == (128, handbook.chunks_count)
    assert users_of_family(version) == {handbook.pk: 1}
    handbook.refresh_from_db()
    assert handbook.status == Status.COMPLETED


def test_it_is_made_of_all_that_its_parent_is_made_of(rebuilt, handbook, alice, use_case, run_jobs):
    more = vectordb.create_dataset(user=alice, name="More", use_case=use_case)
    vectordb.add_files(more, user=alice, files=[SimpleUploadedFile("more.txt", b"Lamps glow.")])
    grown = vectordb.create_vector_database(
        user=alice, use_case=use_case, dataset=more, parent=handbook
    )

    version = vectordb.rebuild_vector_database(grown, user=alice, chunking=ChunkingSettings())
    run_jobs()

    names = version.ingestions.values_list("document__name", flat=True)
    assert sorted(names) == ["more.txt", "returns.md", "shipping.md"]
    assert version.added_datasets == [{"id": more.pk, "name": "More"}]
    assert version.name == grown.name


def test_nothing_is_rebuilt_from_a_dataset_that_is_gone(handbook, alice):
    vectordb.delete_dataset(handbook.dataset, user=alice)
    handbook.refresh_from_db()

    with pytest.raises(Conflict, match="was deleted"):
        vectordb.rebuild_vector_database(handbook, user=alice, chunking=ChunkingSettings())
    assert VectorDatabase.objects.count() == 1


def test_viewers_build_measure_and_use_no_version(handbook, vera):
    with pytest.raises(Forbidden):
        vectordb.rebuild_vector_database(handbook, user=vera, chunking=ChunkingSettings())
    with pytest.raises(Forbidden):
        use_version(handbook, user=vera)
    with pytest.raises(Forbidden):
        measure_again(handbook, user=vera)


def test_a_version_is_measured_by_the_gold_questions_once_it_is_complete(
    rebuilt, handbook, gold, alice, run_jobs
):
    version = rebuilt()
    measure_again(handbook, user=alice)
    run_jobs()

    figures = figures_by_version(handbook)
    assert set(figures) == {handbook.pk, version.pk}
    for measured in figures.values():
        # Two documents of one chunk each: the right one is found, and comes first.
        assert (measured.questions, measured.recall, measured.mrr, measured.ndcg) == (1, 1, 1, 1)
    statuses = set(GoldMeasurement.objects.values_list("status", flat=True))
    assert statuses == {Status.COMPLETED}


def test_without_gold_questions_nothing_is_measured(rebuilt, handbook, alice):
    rebuilt()

    assert GoldMeasurement.objects.count() == 0
    with pytest.raises(Conflict, match="no gold question"):
        measure_again(handbook, user=alice)


def test_measuring_what_lost_its_chunks_says_so(handbook, gold, alice, run_jobs):
    from vectordb import partitions

    partitions.drop(handbook.pk)
    measure_again(handbook, user=alice)
    run_jobs()

    measurement = GoldMeasurement.objects.get()
    assert measurement.status == Status.ERROR
    assert "no chunks" in measurement.error_message


def test_gold_questions_go_with_the_last_version(rebuilt, handbook, gold, alice):
    version = rebuilt()

    vectordb.delete_vector_database(handbook, user=alice)
    assert GoldQuestion.objects.filter(pk=gold.pk).exists()
    vectordb.delete_vector_database(version, user=alice)
    assert not GoldQuestion.objects.exists()


def test_blueprints_change_the_version_all_at_once_and_back(
    rebuilt, handbook, blueprint, alice, playground, llm
):
    settings = AnswerSettings(llm_id=llm.pk, vector_database_id=handbook.pk)
    services.create_blueprint(user=alice, playground=playground, name="Other", settings=settings)
    saved = services.create_blueprint(
        user=alice, playground=playground, name="Saved", settings=settings
    )
    services.update_blueprint(saved, user=alice, is_saved=True)
    version = rebuilt()

    assert use_version(version, user=alice) == []
    assert users_of_family(handbook) == {version.pk: 2, handbook.pk: 1}
    assert use_version(handbook, user=alice) == []
    assert users_of_family(handbook) == {handbook.pk: 3}


def test_who_cannot_change_stays_and_is_named(rebuilt, handbook, blueprint, alice):
    version = rebuilt()
    blueprint.versions.update(llm=None, saved_llm_id="gone")

    assert use_version(version, user=alice) == ["Bot"]
    assert users_of_family(handbook) == {handbook.pk: 1}


def test_blueprints_go_over_by_themselves_where_that_was_asked_for(rebuilt, handbook, blueprint):
    version = rebuilt(updates_blueprints=True)

    assert users_of_family(handbook) == {version.pk: 1}


def test_a_version_that_is_not_complete_is_not_used(handbook, alice):
    handbook.status = Status.ERROR
    handbook.save()

    with pytest.raises(Conflict, match="not complete"):
        use_version(handbook, user=alice)
