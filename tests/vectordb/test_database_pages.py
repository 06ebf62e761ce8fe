"""What the pages tell of versions, of metadata, and of how texts are cut."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.vectordb.conftest import add, build
from vectordb import services
from vectordb.models import VectorDatabase


@pytest.fixture
def page(alice):
    """The text of a page as alice sees it."""
    client = Client()
    client.force_login(alice)

    def text_of(name: str, pk: str) -> str:
        response = client.get(reverse(f"vectordb:{name}", args=[pk]))
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return text_of


@pytest.fixture
def version(alice, use_case, dataset) -> VectorDatabase:
    """The second of its family, with metadata."""
    add(dataset, "a.csv", b"document,document_file_path,topic\nBrass lamps.,a.txt,lamps\n")
    first = build(dataset)
    more = services.create_dataset(user=alice, name="More", use_case=use_case)
    add(more, "b.txt", b"Boats.")
    return services.create_vector_database(
        user=alice, use_case=use_case, dataset=more, name="Second", parent=first
    )


def test_a_version_says_so_wherever_it_is_listed(page, use_case, dataset, version):
    assert "Second</a> <span" in page("source-list", use_case.pk)
    assert "version 2" in page("source-list", use_case.pk)
    assert "version 2" in page("dataset-detail", dataset.pk)


def test_a_version_leads_to_its_parent(page, version):
    shown = page("vector-database-detail", version.pk)

    assert "Version 2 of <a" in shown
    assert reverse("vectordb:vector-database-detail", args=[version.parent_id]) in shown
    assert "Handbook</a>, More." in shown
    assert "<dt>Metadata</dt><dd>topic</dd>" in shown
    version.parent.delete()
    assert "Version 2</p>" in page("vector-database-detail", version.pk)


@pytest.mark.parametrize(
    ("chunking", "told", "untold"),
    [
        ({}, ["<dt>Overlap</dt>", "<dt>Separators</dt>", "Recursive"], ["Metadata"]),
        ({"is_separator_regex": True}, ["Separators, as patterns"], []),
        ({"chunking_method": "semantic"}, ["Where the meaning changes"], ["Overlap", "Separators"]),
        ({"chunking_method": "structure"}, ["By headings, code", "Separators"], ["Overlap"]),
        ({"is_custom_chunking": True}, ["each row is a chunk"], ["Overlap", "Chunk size"]),
    ],
)
def test_a_database_tells_how_its_texts_were_cut(page, use_case, dataset, chunking, told, untold):
    add(dataset, "a.txt", b"Brass lamps.")
    database = build(dataset, **chunking)

    shown = page("vector-database-detail", database.pk)

    assert all(words in shown for words in told)
    assert not any(words in shown for words in untold)
    assert page("source-list", use_case.pk)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, "<dt>Search</dt><dd>exact</dd>"),
        (
            {"index_kind": "hnsw", "index_width": 80, "index_recall": 0.973},
            "index, finds 97 % of the nearest",
        ),
        (
            {"index_kind": "hnsw", "index_width": 80, "index_recall": None},
            'title="HNSW, ef 80">index</span>',
        ),
        (
            {"index_kind": "ivfflat", "index_width": 8, "index_recall": 0.98},
            'title="IVFFlat, 8 lists read">index, finds 98 % of the nearest',
        ),
        ({}, "build again to search for them"),
        ({"status": "RUNNING"}, "<dt>Words</dt><dd>not yet</dd>"),
        ({"keyword_facts": {"languages": ["de", "en"]}}, "<dd>searched for in de, en</dd>"),
        ({"keyword_facts": {"languages": []}}, "<dd>searched for</dd>"),
    ],
)
def test_a_database_tells_how_it_is_searched(page, dataset, facts, told):
    add(dataset, "a.txt", b"Brass lamps.")
    database = build(dataset)
    VectorDatabase.objects.update(**({"status": "COMPLETED", "keyword_facts": None} | facts))
    if facts.get("status") != "RUNNING":
        database.ingestions.update(status="COMPLETED")

    assert told in page("vector-database-detail", database.pk)


def test_a_dataset_tells_what_was_left_out(page, dataset):
    dataset.error_message = "b.exe: This is a program, which is not supported."
    dataset.save()
    assert "b.exe: This is a program" in page("dataset-detail", dataset.pk)
