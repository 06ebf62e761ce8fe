"""What workers hear of a question before it is recorded, and pages of what people say of an answer."""

import psycopg
import pytest

from config.database import connection_parameters
from config.notify import CHANNEL, WORKERS_CHANNEL, close_hints
from config.status import Status
from playground import services
from playground.models import ChatPrompt
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
    close_hints()  # one that broke in another test would lose the first
    with psycopg.connect(**wanted, autocommit=True) as listening:
        listening.execute(f"LISTEN {WORKERS_CHANNEL}")

        announce_question("Is this secret?", elsewhere.pk)
        announce_question("Is this known?", handbook.pk)
        close_hints()

        heard = [one.payload for one in listening.notifies(timeout=2, stop_after=1)]
    assert len(heard) == 1
    assert "Is this known?" in heard[0]


@pytest.mark.parametrize("has_log", [True, False])
def test_a_thumb_is_told_to_pages_that_show_its_log(alice, chat, run_jobs, has_log):
    asked = services.ask(user=alice, chat=chat, text="Which oil?")
    run_jobs()
    if not has_log:
        ChatPrompt.objects.filter(pk=asked.pk).update(log=None)
    prompt = ChatPrompt.objects.select_related("chat__playground__use_case").get(pk=asked.pk)
    close_hints()
    with psycopg.connect(**connection_parameters(), autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")

        for is_positive in (True, None):
            services.set_feedback(prompt, user=alice, is_positive=is_positive)
            close_hints()

        # Told in the order of commits: what was before this is heard before it.
        listening.execute("SELECT pg_notify(%s, 'end')", [CHANNEL])
        told = f"logs:{prompt.chat.playground.use_case_id} logged {{}}"
        wanted = [*([told, told] if has_log else []), "end"]
        heard = [one.payload for one in listening.notifies(timeout=30, stop_after=len(wanted))]
    assert heard == wanted
