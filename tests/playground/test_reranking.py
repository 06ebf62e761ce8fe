"""Answers whose passages a cross encoder put in order."""

import pytest

from config.errors import InvalidInput
from config.status import Status
from playground import services
from tracing.models import LogKind
from vectordb.retrieval_settings import RetrievalSettings

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat(chat_with, llm, handbook, settings, cross_encoder):
    settings.RERANKER = str(cross_encoder)
    return chat_with(
        llm_id=llm.pk,
        vector_database_id=handbook.pk,
        retrieval_settings=RetrievalSettings(rerank=True),
    )


def test_the_answer_is_made_from_them(alice, chat, run_jobs):
    prompt = services.ask(user=alice, chat=chat, text="May I return an opened item?")
    run_jobs()
    prompt.refresh_from_db()

    assert prompt.status == Status.COMPLETED
    assert [citation["ranks"]["rerank"] for citation in prompt.citations] == [1, 2]
    assert prompt.log is not None
    explain = prompt.log.children.get(kind=LogKind.RETRIEVE).payload.output["explain"]
    assert "rerank" in [stage["name"] for stage in explain["stages"]]


def test_a_worker_without_one_fails_the_answer_and_says_why(alice, chat, run_jobs, settings):
    prompt = services.ask(user=alice, chat=chat, text="May I return an opened item?")
    settings.RERANKER = ""

    run_jobs()

    prompt.refresh_from_db()
    assert prompt.status == Status.ERROR
    assert "This worker has no reranker" in prompt.error_message
    with pytest.raises(InvalidInput, match="No reranker is configured"):
        services.ask(user=alice, chat=chat, text="Once more?")
