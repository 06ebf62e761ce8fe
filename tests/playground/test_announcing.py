"""What workers hear of a question before it is recorded."""

import psycopg
import pytest

from config.database import connection_parameters
from config.notify import WORKERS_CHANNEL, close_hints
from config.status import Status
from playground.tasks import announce_question
from vectordb.models import EmbeddingEntry, VectorDatabase

pytestmark = pytest.mark.django_db(transaction=True)


def database_with(model: str, handbook: VectorDatabase) -> VectorDatabase:
    other = VectorDatabase.objects.get(pk=handbook.pk)
    other.pk = other.family_id = f"{len(model):024d}"
    other.embedding_model = model
    other.save(force_insert=True)
    return other


def test_a_question_goes_to_no_server_elsewhere_before_it_was_checked(alice, handbook):
    EmbeddingEntry.objects.create(
        name="lab/embedder",
        kind="endpoint",
        status=Status.COMPLETED,
        base_url="http://127.0.0.1:9/v1",
        max_tokens=512,
        dimensions=3,
        created_by=alice,
    )
    elsewhere = database_with("lab/embedder", handbook)
    wanted = connection_parameters()
    with psycopg.connect(**wanted, autocommit=True) as listening:
        listening.execute(f"LISTEN {WORKERS_CHANNEL}")

        announce_question("Is this secret?", elsewhere.pk)
        announce_question("Is this known?", handbook.pk)
        close_hints()

        heard = [one.payload for one in listening.notifies(timeout=2, stop_after=1)]
    assert len(heard) == 1
    assert "Is this known?" in heard[0]
