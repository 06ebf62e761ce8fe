"""The chunks of a document: looked through, edited, disabled, added, by those who may."""

import pytest
from django.urls import reverse

from tests.pages.conftest import HTMX
from tests.vectordb.conftest import add, build
from vectordb import edit_work, services
from vectordb.models import CHUNKS_PER_DOCUMENT, Chunk, ChunkEdit, DisabledChunk, VectorDatabase

ROWS = b"document,document_file_path\n" + b"".join(
    b"Rule %d: tools come back by noon.,rule-%d.txt\n" % (number, number) for number in range(120)
)
MOON = "Parcels to the moon leave with the next rocket."


@pytest.fixture
def database(world) -> VectorDatabase:
    """The handbook is its first document, a table of 120 rules its second."""
    add(world.dataset, "rules.csv", ROWS)
    return build(world.dataset)


@pytest.fixture
def alices(client, alice, world):
    client.force_login(alice)
    return client


def at(name: str, database: VectorDatabase, *key: int) -> str:
    return reverse(f"vectordb:chunk-{name}", args=[database.pk, *key])


def rule(number: int) -> int:
    # Between documents, which the rows are, an id is left out.
    return 2 * (CHUNKS_PER_DOCUMENT + number)


def shown(client, url: str, **query: object) -> str:
    response = client.get(url, query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_document_of_many_chunks_is_turned_like_pages(alices, database):
    first = shown(alices, at("list", database, 2))
    assert "120 chunks in the searches." in first
    assert "Rule 49:" in first
    assert "Rule 50:" not in first
    assert f"?from={rule(50)}" in first
    assert "Chunks before" not in first

    second = shown(alices, at("list", database, 2), **{"from": rule(50)})
    assert "Rule 99:" in second
    assert f'rel="prev" href="{at("list", database, 2)}?from={rule(0)}"' in second
    last = shown(alices, at("list", database, 2), **{"from": rule(100)})
    assert "Rule 119:" in last
    assert "More chunks" not in last
    assert f"?from={rule(50)}" in last


def test_chunks_are_looked_for_by_their_words_and_by_what_was_changed(alices, alice, database):
    services.switch_chunk(database, rule(7), user=alice, is_enabled=False)
    services.add_chunk(database, 2, user=alice, text=MOON)

    by_words = shown(alices, at("list", database, 2), q="RULE 11")
    assert "Rule 11:" in by_words
    assert "Rule 119:" in by_words
    assert "Rule 7:" not in by_words
    changed = shown(alices, at("list", database, 2), only="changed")
    assert "Rule 7:" in changed
    assert MOON in changed
    assert "being embedded" in changed
    assert "Rule 8:" not in changed
    assert "119 chunks in the searches, 1 disabled, 2 changed by hand." in changed
    assert MOON in shown(alices, at("list", database, 2), q="moon")
    assert "No chunk like that" in shown(alices, at("list", database, 2), q="marmalade")


@pytest.mark.parametrize("query", [{"from": "x"}, {"from": "9" * 30}, {"q": "\0"}, {"only": "x"}])
def test_odd_questions_are_answered(alices, database, query):
    shown(alices, at("list", database, 2), **query)


@pytest.mark.parametrize("number", [3, 9_999_999, 10**30])
def test_a_document_that_is_not_there_is_not_found(alices, database, number):
    for name in ("list", "create"):
        assert alices.get(at(name, database, number)).status_code == 404
    for name in ("edit", "switch", "restore", "delete"):
        url = at(name, database, number * CHUNKS_PER_DOCUMENT)
        assert alices.post(url, {"text": "x", "seen": "x"}).status_code == 404


def test_a_chunk_is_edited_and_restored(alices, alice, database):
    url = at("edit", database, rule(3))
    form = alices.get(url, headers=HTMX).context["form"]
    assert form.initial["text"] == "Rule 3: tools come back by noon."

    response = alices.post(url, {**form.initial, "text": MOON}, headers=HTMX)
    assert (
        response.headers["HX-Redirect"]
        == f"{at('list', database, 2)}?from={rule(3)}#chunk-{rule(3)}"
    )
    page = shown(alices, at("list", database, 2), **{"from": rule(3)})
    assert 'data-progress="' in page
    edit_work.apply_edits(database.pk, lambda: None)

    page = shown(alices, at("list", database, 2), **{"from": rule(3)})
    assert "data-progress" not in page
    assert f"Changed by {alice.display_name}" in page
    assert "The document's text" in page
    source = alices.get(reverse("vectordb:vector-database-chunk", args=[database.pk, rule(3)]))
    assert "edited this passage" in source.content.decode()

    fragment = alices.post(at("restore", database, rule(3)), {"from": rule(3)}, headers=HTMX)
    assert "Rule 3:" in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    edit_work.apply_edits(database.pk, lambda: None)
    assert not ChunkEdit.objects.exists()


def test_what_cannot_be_saved_is_told_in_the_form(alices, database):
    url = at("edit", database, rule(3))
    seen = alices.get(url).context["form"].initial["seen"]

    for text, message in (
        ("  ", "Write something"),
        ("word " * 300, "254 fit the embedding model"),
    ):
        response = alices.post(url, {"text": text, "seen": seen}, headers=HTMX)
        assert response.status_code == 422
        assert message in response.content.decode()
    response = alices.post(url, {"text": MOON, "seen": "of another text"})
    assert response.status_code == 422
    assert "Somebody else changed" in response.content.decode()
    response = alices.post(at("create", database, 2), {"text": MOON, "page": "0"})
    assert response.status_code == 422
    assert not ChunkEdit.objects.exists()


def test_a_chunk_is_disabled_and_enabled_where_it_stands(alices, database):
    url = at("switch", database, rule(60))

    fragment = alices.post(url, {"from": rule(50)}, headers=HTMX).content.decode()
    assert "disabled" in fragment
    assert "Rule 50:" in fragment
    assert DisabledChunk.objects.get().id == rule(60)
    source = alices.get(reverse("vectordb:vector-database-chunk", args=[database.pk, rule(60)]))
    assert "searches do not find it" in source.content.decode()

    response = alices.post(url, {"enabled": "1"})
    assert response.headers["Location"].endswith(f"?from={rule(60)}#chunk-{rule(60)}")
    assert Chunk.objects.filter(vector_database_id=database.pk, id=rule(60)).exists()


def test_a_chunk_is_added_and_deleted(alices, database):
    response = alices.post(at("create", database, 2), {"text": MOON, "page": "4"})
    added = ChunkEdit.objects.get().chunk_id
    assert response.headers["Location"].endswith(f"?from={added}#chunk-{added}")
    assert "Added 1" in shown(alices, at("list", database, 2), **{"from": added})
    edit_work.apply_edits(database.pk, lambda: None)
    page = shown(alices, at("list", database, 2), **{"from": added})
    assert "p. 4" in page

    assert "Delete this chunk?" in shown(alices, at("delete", database, added))
    alices.post(at("delete", database, added))
    # The document's own are disabled instead.
    assert alices.post(at("delete", database, rule(1))).status_code == 409
    assert not ChunkEdit.objects.exists()
    assert not Chunk.objects.filter(text=MOON).exists()


def test_the_databases_page_leads_there(alices, world, database):
    page = shown(alices, reverse("vectordb:vector-database-detail", args=[database.pk]))

    assert f'href="{at("list", database, 2)}"' in page


def test_a_viewer_looks_and_is_offered_nothing(client, vera, database):
    client.force_login(vera)

    page = shown(client, at("list", database, 2))

    assert "Rule 1:" in page
    for control in ("Disable", "Edit", "Add a chunk"):
        assert control not in page
