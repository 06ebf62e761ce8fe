import pytest
from django.urls import reverse

from config.status import Status
from playground import services
from playground.models import GoldLabel, GoldMeasurement
from tests.pages.conftest import HTMX
from vectordb.models import VectorDatabase


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


@pytest.fixture
def gold_page(signed_in, world):
    def text() -> str:
        response = signed_in.get(reverse("playground:gold-detail", args=[world.database.pk]))
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return text


def judge(client, world, thumb, **headers):
    url = reverse("playground:citation-relevance", args=[world.prompt.pk, 1])
    return client.post(url, {"thumb": thumb}, headers=headers)


def test_a_source_asks_whether_it_helps_and_shows_what_was_said(signed_in, world):
    url = reverse("playground:citation-detail", args=[world.prompt.pk, 1])

    page = signed_in.get(url, headers=HTMX).content.decode()

    assert 'value="none" aria-pressed="true" aria-label="It helps"' in page
    assert 'value="down" aria-pressed="false" aria-label="It does not help"' in page


def test_a_viewer_judges_a_passage_in_place(client, vera, world):
    client.force_login(vera)

    answer = judge(client, world, "down", **HTMX).content.decode()

    assert 'value="none" aria-pressed="true" aria-label="It does not help"' in answer
    assert GoldLabel.objects.get(user=vera).is_relevant is False
    judge(client, world, "none", **HTMX)
    assert not GoldLabel.objects.filter(user=vera).exists()


def test_without_a_script_the_source_is_shown_again(signed_in, world):
    response = judge(signed_in, world, "up")

    assert response.status_code == 302
    assert response.headers["Location"].endswith("/sources/1/")


def test_nothing_is_asked_once_the_database_is_gone(signed_in, world):
    world.database.delete()
    url = reverse("playground:citation-detail", args=[world.prompt.pk, 1])

    assert "Does it help" not in signed_in.get(url, headers=HTMX).content.decode()
    assert judge(signed_in, world, "up").status_code == 409


def test_the_page_lists_questions_versions_and_blueprints_with_figures(gold_page, world):
    page = gold_page()

    assert "How long may I wait?" in page
    assert "▲ 1 ▼ 0" in page
    assert "returns.md · p. 4" in page
    assert "1 · Book</a>" in page
    row = page.split('aria-labelledby="by-blueprint"')[2]
    assert (
        '<td class="name">Baseline</td><td class="num wide">1</td><td class="num wide">1.00</td>'
        in row
    )


def test_a_measurement_is_asked_for_and_shown_as_running(signed_in, gold_page, world):
    response = signed_in.post(reverse("playground:gold-measure", args=[world.database.pk]))

    assert response.headers["Location"] == f"/vector-databases/{world.database.pk}/gold/"
    assert GoldMeasurement.objects.get().status == Status.NEW
    assert "measuring …" in gold_page()


def test_a_measurement_that_failed_says_why(gold_page, world):
    GoldMeasurement.objects.create(
        vector_database=world.database, status=Status.ERROR, error_message="It has no chunks."
    )

    assert "It has no chunks." in gold_page()


def test_versions_are_used_from_the_page(signed_in, gold_page, world):
    version = VectorDatabase.objects.get(pk=world.database.pk)
    version.pk, version.version, version.parent = "1" * 24, 2, world.database
    version.save(force_insert=True)

    page = gold_page()
    assert page.count(">Use</button>") == 1
    assert "used by 1 blueprint" in page
    signed_in.post(reverse("playground:version-use", args=[version.pk]))

    world.blueprint.refresh_from_db()
    assert world.blueprint.current.vector_database_id == version.pk


def test_who_stays_with_a_version_is_told(signed_in, world):
    version = VectorDatabase.objects.get(pk=world.database.pk)
    version.pk, version.version = "1" * 24, 2
    version.save(force_insert=True)
    world.blueprint.versions.update(llm=None, saved_llm_id="gone")

    page = signed_in.post(reverse("playground:version-use", args=[version.pk]), follow=True)

    assert "“Baseline” keeps the version it had" in page.content.decode()


def test_a_version_that_is_not_complete_is_refused(signed_in, world):
    VectorDatabase.objects.filter(pk=world.database.pk).update(status=Status.RUNNING)

    for name in ("version-use", "gold-measure"):
        response = signed_in.post(reverse(f"playground:{name}", args=[world.database.pk]))
        assert response.status_code == 409
        assert "not complete" in response.content.decode()


def test_a_gold_question_is_deleted_after_a_question(signed_in, world):
    url = reverse("playground:gold-question-delete", args=[world.gold.pk])

    assert "How long may I wait?" in signed_in.get(url).content.decode()
    response = signed_in.post(url)

    assert response.headers["Location"] == f"/vector-databases/{world.database.pk}/gold/"
    assert not GoldLabel.objects.exists()


def test_without_questions_the_page_says_how_one_is_made(gold_page, world, alice):
    services.delete_gold_question(world.gold, user=alice)

    page = gold_page()

    assert "No question yet" in page
    assert "Blueprints</h2>" not in page


def test_the_next_version_is_built_from_the_page(signed_in, world):
    url = reverse("vectordb:vector-database-rebuild", args=[world.database.pk])
    assert 'value="256"' in signed_in.get(url).content.decode()
    data = {
        "embedding_model": world.database.embedding_model,
        "chunking_method": "recursive",
        "chunk_size": "128",
        "chunk_overlap_percentage": "10",
        "separators": '\\n\n" "',
        "updates_blueprints": "on",
    }

    response = signed_in.post(url, data)

    version = VectorDatabase.objects.get(version=2)
    assert response.headers["Location"] == f"/vector-databases/{version.pk}/"
    assert (version.name, version.chunk_size) == ("Book", 128)
    assert version.updates_blueprints
    refused = signed_in.post(url, data | {"chunk_size": "900"})
    assert refused.status_code == 422
    assert VectorDatabase.objects.count() == 2
