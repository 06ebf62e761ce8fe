import pytest
from asgiref.sync import async_to_sync

from config.status import Status
from tests.vectordb.conftest import HANDBOOK, add, build
from vectordb.models import Chunk
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings


def test_a_document_becomes_chunks_that_stand_in_its_text(dataset):
    add(dataset, "handbook.md", HANDBOOK * 20)
    database = build(dataset, chunk_size=128, chunk_overlap_percentage=20)

    assert database.status == Status.COMPLETED
    chunks = list(Chunk.objects.filter(vector_database_id=database.pk))
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    assert database.chunks_count == len(chunks) > 5
    text = (HANDBOOK * 20).decode()
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text


async def ask(database, question, **settings):
    return await retrieve(database, question, RetrievalSettings(**settings))


@pytest.mark.django_db(transaction=True)
def test_a_question_finds_its_passage(handbook):
    found = async_to_sync(ask)(handbook, "When is the shop closed?")
    assert "closed on Mondays" in found.passages[0].text
    assert found.passages[0].document_name == "handbook.md"
