"""A search that takes too long: what whoever asked is told, in a chat and in a retrieval test."""

from collections.abc import Callable

import psycopg
import pytest

from blueprints.settings import AnswerSettings
from config.database import connection_parameters
from config.status import Status
from playground import retrieval_tests, services
from playground.retrieval_tests import SideWish

pytestmark = pytest.mark.django_db(transaction=True)

TOLD = "The search took longer than 1 s: narrow the metadata filter"


@pytest.fixture
def search_slowly(settings, run_jobs) -> Callable[[], None]:
    """Works the queue off while another connection's lock holds all searches up."""
    settings.SEARCH_SECONDS = 1.0

    def run() -> None:
        with psycopg.connect(**connection_parameters()) as link:
            link.execute("LOCK TABLE vectordb_chunk IN ACCESS EXCLUSIVE MODE")
            run_jobs()

    return run


def test_an_answer_ends_with_what_to_do(alice, reading_chat, llm_server, search_slowly):
    prompt = services.ask(user=alice, chat=reading_chat, text="May I return an opened item?")
    search_slowly()

    prompt.refresh_from_db()
    assert prompt.status == Status.ERROR
    assert TOLD in prompt.error_message
    assert prompt.log is not None
    [retrieve] = prompt.log.children.all()
    assert (retrieve.kind, retrieve.status) == ("retrieve", Status.ERROR)
    assert llm_server.prompts == []


def test_a_retrieval_test_says_so_and_is_not_tried_again(alice, handbook, search_slowly):
    wish = SideWish("Own settings", AnswerSettings())
    test = retrieval_tests.create_test(user=alice, database=handbook, text="When?", sides=[wish])
    search_slowly()

    test.refresh_from_db()
    assert test.status == Status.COMPLETED
    assert TOLD in test.sides.get().error_message
