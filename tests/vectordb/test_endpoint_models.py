"""Models behind an OpenAI-compatible API, against a real server that fails as told."""

import asyncio
import time
from typing import Any

import numpy as np
import pytest
from django.test import override_settings

from config.errors import AppError, Conflict, Forbidden, InvalidInput
from config.ids import new_id
from config.keys import decrypt_key
from config.status import Status
from tests.llm_server import (
    GARBAGE,
    TOO_LONG,
    UNAUTHORIZED,
    Behaviour,
    failing,
    rate_limited,
    vector_of,
)
from tests.vectordb.conftest import HANDBOOK, add, build, create
from vectordb import ingest, services
from vectordb.chunking_settings import ChunkingSettings
from vectordb.embedding import embed_query, get_embedder
from vectordb.embedding_entries import EmbeddingEntry, connection_of
from vectordb.embedding_models import EmbeddingFailed
from vectordb.models import Chunk
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

KEY = "sk-embedding-4242424242"


@pytest.fixture
def staff(alice):
    alice.is_staff = True
    alice.save()
    return alice


def add_model(staff, server, **changes) -> EmbeddingEntry:
    given: dict[str, Any] = {"model_name": "embedder", "max_tokens": 512, "name": f"lab/{new_id()}"}
    return services.add_endpoint_embedding(
        user=staff, **{"base_url": server.base_url, "api_key": KEY} | given | changes
    )


@pytest.fixture
def entry(staff, llm_server) -> EmbeddingEntry:
    entry = add_model(staff, llm_server)
    llm_server.requests.clear()
    return entry


def unit(vector):
    return np.array(vector) / np.linalg.norm(vector)


def test_adding_a_model_finds_out_its_dimensions(staff, llm_server):
    llm_server.key = KEY
    entry = add_model(staff, llm_server, description="Ours", is_multilingual=True)

    assert (entry.status, entry.dimensions, entry.max_tokens) == (Status.COMPLETED, 48, 512)
    assert KEY not in entry.encrypted_key
    assert decrypt_key(entry.encrypted_key, base_url=entry.base_url) == KEY
    assert KEY not in repr(connection_of(entry.name))
    first = llm_server.embedded[0]
    assert (first["model"], len(first["input"])) == ("embedder", 32)
    assert "dimensions" not in first
    model = entry.to_model()
    assert model.languages == ("Many languages",)
    assert model.knows("fr")
    assert model.content_tokens < 512 / 1.25


def test_it_can_be_asked_for_fewer_dimensions(staff, llm_server):
    entry = add_model(staff, llm_server, dimensions=16)

    assert entry.dimensions == 16
    assert get_embedder(entry.name).embed(["Oil."]).shape == (1, 16)
    assert llm_server.embedded[-1]["dimensions"] == 16


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base_url": "ftp://a"}, "base_url"),
        ({"base_url": "http://u:p@127.0.0.1/v1"}, "base_url"),
        ({"model_name": " "}, "model_name"),
        ({"api_key": "ä"}, "api_key"),
        ({"name": "a\nb"}, "name"),
        ({"max_tokens": 100}, "max_tokens"),
        ({"max_tokens": 128, "document_prefix": "word " * 60}, "max_tokens"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 4_001}, "dimensions"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2_049}, "batch_size"),
    ],
)
def test_nonsense_is_refused_without_a_call(staff, llm_server, changes, field):
    with pytest.raises(InvalidInput) as refused:
        add_model(staff, llm_server, **changes)

    assert refused.value.field == field
    assert not llm_server.requests
    assert not EmbeddingEntry.objects.exists()


def answer(*vectors, **more):
    data = [{"index": index, "embedding": list(vector)} for index, vector in enumerate(vectors)]
    return Behaviour(body={"data": data} | more)


def test_a_name_is_given_once(staff, llm_server, entry):
    with pytest.raises(InvalidInput) as refused:
        add_model(staff, llm_server, name=entry.name)

    assert refused.value.field == "name"
    assert not llm_server.requests


def test_vectors_that_cannot_be_searched_are_refused(staff, llm_server):
    llm_server.dimensions = 4_001
    with pytest.raises(InvalidInput) as refused:
        add_model(staff, llm_server)
    assert refused.value.field == "dimensions"


def test_a_server_that_does_not_shorten_is_refused(staff, llm_server):
    llm_server.always = answer(*[vector_of("a", 48)] * 32)
    with pytest.raises(InvalidInput) as refused:
        add_model(staff, llm_server, dimensions=16)
    assert refused.value.field == "dimensions"


@pytest.mark.parametrize("cuts", [True, False])
def test_a_window_that_the_server_does_not_have_is_found_out(staff, llm_server, cuts):
    llm_server.embedding_window, llm_server.cuts_texts = 100, cuts
    with pytest.raises(InvalidInput) as refused:
        add_model(staff, llm_server)
    assert refused.value.field == "max_tokens"

    assert add_model(staff, llm_server, max_tokens=128).max_tokens == 128


def test_a_batch_that_the_server_does_not_take_is_found_out(staff, llm_server):
    llm_server.embedding_batch = 8
    with pytest.raises(EmbeddingFailed) as refused:
        add_model(staff, llm_server)
    assert "batch size 32 > maximum" in refused.value.message

    assert add_model(staff, llm_server, batch_size=8).batch_size == 8


WRONG = [
    (UNAUTHORIZED, "refuses the API key (HTTP 401)"),
    (failing(403), "refuses the API key (HTTP 403)"),
    (failing(402), "no credit"),
    (failing(404), "does not know the model embedder"),
    (failing(400, "The model `x` does not exist"), "does not know the model embedder"),
    (failing(400, "What is sk-abc123456789?"), "(HTTP 400): What is …"),
    (Behaviour(status=302, body=b"", headers={"Location": "/other"}), "points to another address"),
    (failing(418), "refused the request (HTTP 418)"),
    (failing(429, "You exceeded your current quota"), "used up its quota"),
    (TOO_LONG, "refuses a text as too long"),
    (failing(413), "refuses a text as too long"),
    (GARBAGE, "not an OpenAI-compatible answer"),
    (Behaviour(body={"data": []}), "not an OpenAI-compatible answer"),
    (Behaviour(body={"data": "x"}), "not an OpenAI-compatible answer"),
    (Behaviour(body=[1]), "not an OpenAI-compatible answer"),
    (Behaviour(body={"data": [{"embedding": "AAAA"}]}), "not an OpenAI-compatible answer"),
    (Behaviour(body={"data": [{"embedding": [[1], 2]}]}), "not an OpenAI-compatible answer"),
    (answer([1.0] * 48, [1.0] * 48), "2 vectors for 1 texts"),
    (Behaviour(body={"data": [{"index": 3, "embedding": [1.0] * 48}]}), "1 vectors for 1 texts"),
    (answer([1.0] * 47), "47 dimensions instead of 48"),
    (answer([0.0] * 48), "no numbers, or nothing but zeros"),
    (answer([1e39] * 48), "no numbers, or nothing but zeros"),
    (Behaviour(body=b'{"data": [{"embedding": [NaN]}]}'), "1 dimensions instead of 48"),
]


@pytest.mark.parametrize(("told", "expected"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_said_at_once_and_in_words(entry, llm_server, told, expected):
    llm_server.always = told

    with pytest.raises(EmbeddingFailed) as failed:
        get_embedder(entry.name).embed(["Oil."])

    assert expected in failed.value.message
    assert "sk-" not in failed.value.message
    assert len(llm_server.embedded) == 1


@pytest.mark.parametrize(
    "told", [rate_limited("0"), rate_limited("0.2"), failing(500), failing(503), failing(408)]
)
def test_what_may_pass_is_tried_again(entry, llm_server, told):
    llm_server.script(told, told)
    started = time.monotonic()

    vectors = get_embedder(entry.name).embed(["Oil."])

    assert vectors[0] == pytest.approx(unit(vector_of("Oil.", 48)), abs=1e-6)
    assert len(llm_server.embedded) == 3
    if told.headers:
        assert time.monotonic() - started < 1


def test_a_server_that_wants_a_longer_pause_than_there_is_patience_fails(entry, llm_server):
    llm_server.always = rate_limited("600")

    with pytest.raises(EmbeddingFailed) as failed:
        get_embedder(entry.name).embed(["Oil."])

    assert "asks to wait 600 seconds" in failed.value.message


def test_a_server_that_never_answers_does_not_hold_anybody_up(entry, llm_server):
    llm_server.always = Behaviour(is_silent=True)

    with (
        override_settings(EMBEDDING_SECONDS=0.2, EMBEDDING_PATIENCE_SECONDS=0.1),
        pytest.raises(EmbeddingFailed) as failed,
    ):
        get_embedder(entry.name).embed(["Oil."])

    assert "within 0.2 seconds" in failed.value.message


def test_nobody_there_is_said(entry):
    EmbeddingEntry.objects.filter(pk=entry.pk).update(base_url="http://127.0.0.1:9/v1")
    with (
        override_settings(EMBEDDING_PATIENCE_SECONDS=0),
        pytest.raises(AppError) as failed,
    ):
        get_embedder(entry.name).embed(["Oil."])
    # Its key was for the former address.
    assert "enter the key again" in failed.value.message
    EmbeddingEntry.objects.filter(pk=entry.pk).update(encrypted_key="")
    with (
        override_settings(EMBEDDING_PATIENCE_SECONDS=0),
        pytest.raises(EmbeddingFailed) as failed,
    ):
        get_embedder(entry.name).embed(["Oil."])
    # Where it is, is for staff to know.
    assert "cannot be reached" in failed.value.message
    assert "127.0.0.1" not in failed.value.message
    entry.refresh_from_db()
    assert "Nothing answers at 127.0.0.1" in services.check_embedding(entry).message


def test_texts_come_back_in_their_order_whatever_the_batches(staff, llm_server):
    entry = add_model(staff, llm_server, batch_size=3, query_prefix="q: ", document_prefix="d: ")
    texts = [f"text {number} of {number * 7}" for number in range(20)]

    vectors = get_embedder(entry.name).embed(texts)

    expected = [unit(vector_of(f"d: {text}", 48)) for text in texts]
    assert vectors == pytest.approx(np.array(expected), abs=1e-6)
    assert vectors.dtype == np.float32
    assert get_embedder(entry.name).embed([]).shape == (0, 48)
    question = asyncio.run(embed_query(entry.name, "How long?"))
    assert question == pytest.approx(unit(vector_of("q: How long?", 48)), abs=1e-6)


def test_a_long_question_is_cut_to_the_window(entry, llm_server):
    get_embedder(entry.name).begin(["How long is the warranty? " * 200]).result()

    [sent] = llm_server.embedded[-1]["input"]
    assert 200 < len(sent.split()) < 512


def test_a_question_that_is_refused_does_not_fail_those_beside_it(entry, llm_server):
    llm_server.embedding_window = 20
    # What is looked up is known from then on: the questions below are asked together.
    get_embedder(entry.name).embed(["Oil."])
    questions = [f"What about number {number}?" for number in range(12)]
    questions[6] = "How long? " * 20

    async def ask() -> list[Any]:
        asked = (embed_query(entry.name, question) for question in questions)
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(ask())

    refused = answers.pop(6)
    del questions[6]
    assert any(len(body["input"]) > 1 for body in llm_server.embedded)
    assert isinstance(refused, EmbeddingFailed)
    assert "too long" in refused.message
    expected = [unit(vector_of(question, 48)) for question in questions]
    assert answers == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_the_servers_own_words_are_not_told_to_who_asks(entry, llm_server, status):
    llm_server.always = failing(status, "Cannot embed: what does Bob earn?")
    with pytest.raises(EmbeddingFailed) as own:
        get_embedder(entry.name).embed(["Oil."])

    with pytest.raises(EmbeddingFailed) as refused:
        asyncio.run(embed_query(entry.name, "How long?"))

    assert f"HTTP {status}" in refused.value.message
    assert "Bob" not in refused.value.message
    assert "Bob" in own.value.message
    assert "Bob" in services.check_embedding(entry).message


def test_no_more_is_read_than_a_refusal_or_vectors_take(entry, llm_server):
    # More is said to come, and never does.
    endless = {"Content-Length": "10000000"}
    llm_server.script(
        Behaviour(status=400, body=b"x" * 70_000, headers=endless),
        Behaviour(body=b"x" * 140_000, headers=endless),
    )

    for told in ("refused the request (HTTP 400)", "more than vectors of up to 4,000 dimensions"):
        with (
            override_settings(EMBEDDING_SECONDS=5, EMBEDDING_PATIENCE_SECONDS=0),
            pytest.raises(EmbeddingFailed) as failed,
        ):
            get_embedder(entry.name).embed(["Oil."])
        assert told in failed.value.message


def test_who_stops_waiting_is_let_go_at_once(entry, llm_server):
    llm_server.always = Behaviour(is_silent=True)

    def check():
        raise Conflict("Cancelled.")

    started = time.monotonic()
    with pytest.raises(Conflict):
        get_embedder(entry.name).embed(["Oil."], check=check)
    assert time.monotonic() - started < 2
    assert llm_server.embedded == [] or llm_server.requests[-1].hung_up.wait(5)


@pytest.mark.django_db(transaction=True)
def test_a_database_is_built_with_it_and_a_question_finds_its_passages(entry, dataset, run_jobs):
    add(dataset, "handbook.md", HANDBOOK)
    database = create(dataset, embedding_model=entry.name, chunk_size=128)

    run_jobs()

    database.refresh_from_db()
    assert (database.status, database.dimensions) == (Status.COMPLETED, 48)
    question = "When is the shop closed?"
    found = asyncio.run(retrieve(database, question, RetrievalSettings()))
    assert "closed on Mondays" in found.passages[0].text
    own = unit(vector_of(found.passages[0].text, 48))
    expected = own @ unit(vector_of(question, 48))
    assert found.passages[0].similarity == pytest.approx(expected, abs=0.01)


def test_a_failure_of_the_server_fails_all_at_once_and_can_be_retried(
    entry, dataset, llm_server, staff
):
    for number in range(3):
        add(dataset, f"{number}.md", f"# {number}\n\nOil number {number}.".encode())
    database = create(dataset, embedding_model=entry.name, chunk_size=128)
    llm_server.script(UNAUTHORIZED)

    ingest.ingest(database.pk)

    states = list(database.ingestions.values_list("status", flat=True))
    assert states == [Status.ERROR] * 3
    assert len(llm_server.embedded) == 1
    last = database.ingestions.get(number=3)
    assert "refuses the API key" in last.error_message
    assert not Chunk.objects.filter(vector_database_id=database.pk).exists()
    services.retry_ingestion(database, user=staff)
    ingest.ingest(database.pk)
    database.refresh_from_db()
    assert (database.status, database.chunks_count) == (Status.COMPLETED, 3)


def test_a_text_that_is_refused_fails_its_document_alone(entry, dataset, llm_server):
    for number in range(2):
        add(dataset, f"{number}.md", f"# {number}\n\nOil number {number}.".encode())
    database = create(dataset, embedding_model=entry.name, chunk_size=128)
    # Asked for both, and then for each alone.
    llm_server.script(TOO_LONG, TOO_LONG)

    ingest.ingest(database.pk)

    states = list(database.ingestions.values_list("status", flat=True))
    assert states == [Status.ERROR, Status.COMPLETED]


def test_the_same_content_is_sent_once(entry, dataset, llm_server):
    add(dataset, "handbook.md", HANDBOOK)
    build(dataset, embedding_model=entry.name, chunk_size=128)
    sent = len(llm_server.embedded)

    second = build(dataset, embedding_model=entry.name, chunk_size=128)

    assert second.status == Status.COMPLETED
    assert len(llm_server.embedded) == sent


def test_no_text_that_is_sent_is_longer_than_the_window(staff, dataset, llm_server):
    entry = add_model(staff, llm_server, max_tokens=256)
    text = "Öl für Lampen 🙂🙂 漢字漢字 and " * 200 + "x" * 3_000
    add(dataset, "mixed.txt", text.encode())

    database = build(dataset, embedding_model=entry.name, chunk_size=256)

    assert database.status == Status.COMPLETED
    for body in llm_server.embedded:
        for sent in body["input"]:
            # Bytes of UTF-8, of which byte-level tokenizers make two a token where all goes wrong.
            assert len(sent.encode()) / 4 <= 256
    assert (
        ChunkingSettings(embedding_model=entry.name).content_tokens
        == entry.to_model().content_tokens
    )


class TestChanging:
    def change(self, entry, staff, **changes):
        given = {"description": "", "base_url": entry.base_url, "api_key": None, "batch_size": 16}
        return services.update_endpoint_embedding(entry, user=staff, **given | changes)

    def test_what_does_not_change_vectors(self, entry, staff, llm_server):
        self.change(entry, staff, description="New", api_key="another")

        entry.refresh_from_db()
        assert (entry.description, entry.batch_size) == ("New", 16)
        assert decrypt_key(entry.encrypted_key, base_url=entry.base_url) == "another"
        assert not llm_server.requests

    def test_a_new_address_needs_the_key_again(self, entry, staff, llm_server):
        other = llm_server.base_url.replace("127.0.0.1", "localhost")
        with pytest.raises(InvalidInput) as refused:
            self.change(entry, staff, base_url=other)
        assert refused.value.field == "api_key"
        assert not llm_server.requests

        self.change(entry, staff, base_url=other, api_key="new")

        entry.refresh_from_db()
        assert entry.base_url == other
        assert llm_server.requests[-1].headers["authorization"] == "Bearer new"

    def test_a_new_address_has_to_have_the_same_model(self, entry, staff, llm_server):
        other = llm_server.base_url.replace("127.0.0.1", "localhost")
        llm_server.always = answer(vector_of("something else", 48))
        with pytest.raises(InvalidInput) as refused:
            self.change(entry, staff, base_url=other, api_key="new")
        assert refused.value.field == "base_url"
        entry.refresh_from_db()
        assert entry.base_url == llm_server.base_url

    def test_only_staff(self, entry, bob, llm_server):
        with pytest.raises(Forbidden):
            self.change(entry, bob)
        with pytest.raises(Forbidden):
            add_model(bob, llm_server)


def test_the_test_says_whether_it_is_still_the_same_model(entry, llm_server):
    assert services.check_embedding(entry).ok

    llm_server.always = answer(vector_of("something else", 48))
    other = services.check_embedding(entry)
    llm_server.always = UNAUTHORIZED
    refused = services.check_embedding(entry)

    assert not other.ok
    assert "other vectors" in other.message
    assert not refused.ok
    assert "refuses the API key" in refused.message


def test_a_deleted_one_forgets_its_key(entry, staff):
    services.delete_embedding(entry, user=staff)

    entry.refresh_from_db()
    assert (entry.deleted_at is not None, entry.encrypted_key) == (True, "")
    with pytest.raises(Conflict):
        connection_of(entry.name)


def test_dimensions_up_to_the_most_are_stored_and_indexed(staff, dataset, llm_server, settings):
    settings.EXACT_SCAN_LIMIT = 2
    llm_server.dimensions = 4_000
    entry = add_model(staff, llm_server)
    note = " ".join(f"word{number}" for number in range(150))
    rows = [f"Oil {number} burns.,{number}.txt,{note}" for number in range(6)]
    content = "\n".join(["document,document_file_path,note", *rows])
    add(dataset, "a.csv", content.encode())

    database = build(dataset, embedding_model=entry.name, chunk_size=128)

    assert (database.status, database.error_message) == (Status.COMPLETED, "")
    assert (database.chunks_count, database.index_recall) == (6, 1)
