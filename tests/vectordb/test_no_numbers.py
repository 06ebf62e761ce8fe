"""An embedding server whose vectors are no numbers: whom it concerns, and what they are told."""

import pytest

from config.status import Status
from tests.llm_server import Behaviour
from tests.vectordb.conftest import add, create
from tests.vectordb.test_endpoint_models import add_model, staff
from vectordb import ingest
from vectordb.endpoint_answers import read_vectors
from vectordb.endpoint_failures import EndpointFailed, TextFailed

__all__ = ["staff"]

TEXTS = ["The lamps burn rapeseed oil.", "Boats are never taken back.\n\n" + "They sink. " * 40]
NO_NUMBERS = ["[NaN, 1.0]", "[null, 1.0]", "[Infinity, 1.0]", "[0.0, 0.0]", "[1e39, 1.0]"]


def answer(*vectors: str) -> bytes:
    rows = (f'{{"index": {at}, "embedding": {one}}}' for at, one in enumerate(vectors))
    return f'{{"data": [{", ".join(rows)}]}}'.encode()


@pytest.mark.parametrize("bad", NO_NUMBERS)
def test_the_text_that_has_no_vector_is_named_to_whoever_sent_it(bad):
    with pytest.raises(TextFailed) as failed:
        read_vectors(answer("[3.0, 4.0]", bad), "lab/model", TEXTS, 2)

    told = failed.value
    assert "server of lab/model sent a vector that is no numbers, or nothing but" in told.message
    assert "a fault of the server" in told.message
    # Questions are sent together with those of others.
    assert "Boats" not in told.message
    assert "begins “Boats are never taken back. They sink. They sink." in told.quoting
    assert len(told.quoting) < len(TEXTS[1])


@pytest.mark.parametrize("bad", NO_NUMBERS)
def test_a_server_that_gives_no_vectors_at_all_concerns_everybody(bad):
    with pytest.raises(EndpointFailed, match="sent vectors that are no numbers") as failed:
        read_vectors(answer(bad, bad), "lab/model", TEXTS, 2)
    assert not isinstance(failed.value, TextFailed)


def test_one_vector_that_is_none_fails_its_document_alone(dataset, llm_server, staff):
    entry = add_model(staff, llm_server)
    for name in ("boats.md", "lamps.md", "oil.md"):
        add(dataset, name, f"Here {name} is told of.\n".encode())
    database = create(dataset, embedding_model=entry.name)
    none, good = (f"[{', '.join([value] * 48)}]" for value in ("NaN", "1.0"))
    # Asked for all, and then for each alone.
    alone = (Behaviour(), Behaviour(body=answer(none)), Behaviour())
    llm_server.script(Behaviour(body=answer(good, none, good)), *alone)

    ingest.ingest(database.pk)

    database.refresh_from_db()
    assert (database.status, database.chunks_count) == (Status.COMPLETED, 2)
    assert database.error_message == "1 of 3 documents could not be read."
    failed = database.ingestions.get(status=Status.ERROR)
    assert failed.number == 2
    assert f"Here {failed.document.name} is told of.”" in failed.error_message
    assert "a fault of the server" in failed.error_message
