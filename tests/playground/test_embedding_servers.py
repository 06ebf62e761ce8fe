"""Chats over databases whose vectors come from a server elsewhere, by the real answer path."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.ids import new_id
from config.status import Status
from playground import services
from tests.llm_server import UNAUTHORIZED
from tests.playground.conftest import RETURNS, SHIPPING
from vectordb import services as vectordb
from vectordb.chunking_settings import ChunkingSettings

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat(alice, use_case, chat_with, llm_server, run_jobs):
    alice.is_staff = True
    alice.save()
    model = vectordb.add_endpoint_embedding(
        user=alice,
        base_url=llm_server.base_url,
        model_name="embedder",
        max_tokens=512,
        name=f"lab/{new_id()}",
        query_prefix="query: ",
    )
    dataset = vectordb.create_dataset(user=alice, name="Handbook", use_case=use_case)
    files = [
        SimpleUploadedFile("returns.md", RETURNS.encode()),
        SimpleUploadedFile("shipping.md", SHIPPING.encode()),
    ]
    vectordb.add_files(dataset, user=alice, files=files)
    database = vectordb.create_vector_database(
        user=alice,
        use_case=use_case,
        dataset=dataset,
        chunking=ChunkingSettings(embedding_model=model.name),
    )
    run_jobs()
    llm_server.requests.clear()
    return chat_with(vector_database_id=database.pk)


def asked(alice, chat, run_jobs, text):
    prompt = services.ask(user=alice, chat=chat, text=text)
    run_jobs()
    prompt.refresh_from_db()
    return prompt


def test_a_question_is_answered_with_its_citations(alice, chat, llm_server, run_jobs):
    question = "When do parcels leave the warehouse?"

    prompt = asked(alice, chat, run_jobs, question)

    assert prompt.status == Status.COMPLETED
    assert "within one working day" in prompt.result_text
    assert "shipping.md" in {citation["source"] for citation in prompt.citations}
    # Asked for once, whoever announced it.
    assert [body["input"] for body in llm_server.embedded] == [[f"query: {question}"]]


def test_a_server_that_fails_ends_in_a_clear_error_and_the_next_question_works(
    alice, chat, llm_server, run_jobs
):
    llm_server.always = UNAUTHORIZED
    failed = asked(alice, chat, run_jobs, "When do parcels leave?")
    llm_server.answer_well()
    prompt = asked(alice, chat, run_jobs, "When do parcels leave?")

    assert failed.status == Status.ERROR
    assert "refuses the API key" in failed.error_message
    assert prompt.status == Status.COMPLETED
