"""Whoever asks, one question with one set of settings is given the same passages."""

from typing import Any

import pytest
from django.urls import reverse

from accounts import services as accounts
from blueprints.llm_settings import LLMSettings
from blueprints.settings import AnswerSettings
from config.status import Status
from evaluation import datasets, runs
from evaluation.datasets import Columns
from playground import services as playgrounds
from playground.models import ChatPrompt, RetrievalTest
from tests.llm_server import Behaviour
from tracing.models import Log, LogKind
from vectordb import services as vectordb
from vectordb.chunking_settings import ChunkingSettings
from vectordb.retrieval_settings import RetrievalMode, RetrievalSettings, Retriever, SearchMode

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Which oil do the lamps of the north burn in winter?"
SETTINGS = {
    "defaults": RetrievalSettings(),
    "neighbours": RetrievalSettings(
        max_documents_retrieved_per_prompt=3, add_neighbor_chunks=True, max_tokens=300
    ),
    "difference": RetrievalSettings(
        max_documents_retrieved_per_prompt=6,
        search_mode=SearchMode.VECTOR,
        retrieval_mode=RetrievalMode.MMR,
        maximal_marginal_relevance_lambda=0.3,
    ),
    "words": RetrievalSettings(
        max_documents_retrieved_per_prompt=8, search_mode=SearchMode.KEYWORD
    ),
    "several": RetrievalSettings(retriever=Retriever.MULTI_STEP, similarity_threshold=0.2),
}
_OILS = ("rapeseed", "whale", "olive", "paraffin", "linseed", "train")


def lamps(coast: str) -> str:
    lines = (
        f"The lamps of the {coast} number {number} burn {oil} oil in winter, and the keeper trims"
        f" their wicks {number + 2} times a night. In summer the {oil} lamps of the {coast} rest,"
        f" and the glass is cleaned with {oil} soap on {number + 3} days of each month."
        for number, oil in enumerate(_OILS)
    )
    return f"# Lamps of the {coast}\n\n" + "\n\n".join(lines)


@pytest.fixture
def database(alice, use_case, upload, run_jobs):
    dataset = upload(north_md=lamps("north"), south_md=lamps("south"))
    made = vectordb.create_vector_database(
        user=alice,
        use_case=use_case,
        dataset=dataset,
        chunking=ChunkingSettings(chunk_size=128, chunk_overlap_percentage=20),
    )
    run_jobs()
    made.refresh_from_db()
    assert made.status == Status.COMPLETED
    assert made.chunks_count > 8
    return made


@pytest.fixture
def blueprints(alice, playground, llm, database):
    """One for each of the settings. What the LLM's context leaves is another cap."""
    llm.context_size = 700
    llm.save()
    return {
        name: playgrounds.create_blueprint(
            user=alice,
            playground=playground,
            name=name,
            settings=AnswerSettings(
                llm_id=llm.pk,
                llm_settings=LLMSettings(max_completion_length=30),
                vector_database_id=database.pk,
                retrieval_settings=settings,
            ),
        )
        for name, settings in SETTINGS.items()
    }


def essence(passages) -> list[tuple[Any, ...]]:
    """What an answer is given of each passage, in order."""
    return [
        (one["chunk_id"], one["text"], one["token_count"], one["rank"], one["similarity"])
        for one in passages
    ]


def timeless(explain) -> dict[str, Any]:
    return {**explain, "stages": [{**one, "milliseconds": 0} for one in explain["stages"]]}


def ask_on_the_page(client, playground, blueprint) -> ChatPrompt:
    url = reverse("playground:playground-ask", args=[playground.pk])
    response = client.post(url, {"text": QUESTION, "blueprint": blueprint.pk})
    return ChatPrompt.objects.get(chat=response.headers["Location"].split("/")[2])


def ask_by_the_api(client, headers, blueprint) -> str:
    response = client.post(
        "/api/v2/genai/chatPrompts/",
        {"text": QUESTION, "llmBlueprintId": blueprint.pk},
        content_type="application/json",
        headers=headers,
    )
    assert response.status_code == 202, response.content
    return str(response.json()["id"])


def search_on_the_page(client, database, blueprint) -> RetrievalTest:
    url = reverse("playground:vector-database-retrieval", args=[database.pk])
    response = client.post(url, {"text": QUESTION, "left-source": blueprint.pk})
    return RetrievalTest.objects.get(pk=response.headers["Location"].split("/")[2])


def evaluate(alice, playground, upload, blueprints) -> None:
    """Begin an evaluation of that one question."""
    configuration = datasets.create_configuration(
        user=alice,
        playground=playground,
        dataset=upload(questions_csv=f"question\n{QUESTION}\n"),
        name="Oil",
        columns=Columns("question"),
    )
    runs.start_run(
        user=alice,
        configuration=configuration,
        blueprints=list(blueprints.values()),
        chat_name="Nightly",
        insights=[{"insight_name": "latency"}],
    )


def test_page_chat_api_and_evaluation_read_the_same(
    client, alice, playground, database, blueprints, upload, run_jobs, llm_server
):
    # What the LLM says is also what it says to search for, where it is asked that.
    llm_server.always = Behaviour(text="Who trims the wicks?\nWhich soap cleans the glass?")
    client.force_login(alice)
    headers = {"Authorization": f"Bearer {accounts.create_token(user=alice, name='CI')[1]}"}
    chats = {name: ask_on_the_page(client, playground, one) for name, one in blueprints.items()}
    calls = {name: ask_by_the_api(client, headers, one) for name, one in blueprints.items()}
    tests = {}
    for name, one in blueprints.items():
        tests[name] = search_on_the_page(client, database, one)
        run_jobs()  # only a few of one user's may wait
    evaluate(alice, playground, upload, blueprints)
    run_jobs()

    asked = ChatPrompt.objects.filter(chat__name="Nightly").select_related("chat__blueprint")
    evaluated = {prompt.chat.blueprint.name: prompt for prompt in asked}
    found = {}
    for name in SETTINGS:
        side = tests[name].sides.get()
        found[name] = essence(side.passages)
        chat = ChatPrompt.objects.get(pk=chats[name].pk)
        call = ChatPrompt.objects.get(pk=calls[name])
        for prompt in (chat, call, evaluated[name]):
            assert prompt.status == Status.COMPLETED, prompt.error_message
            assert essence(prompt.citations) == found[name], name
            assert prompt.docs_tokens == sum(one["token_count"] for one in side.passages)
        told = client.get(f"/api/v2/genai/chatPrompts/{call.pk}/", headers=headers).json()
        assert [one["text"] for one in told["citations"]] == [one[1] for one in found[name]]
        trace = Log.objects.get(parent__chat_prompt=chat, kind=LogKind.RETRIEVE)
        assert timeless(trace.payload.output["explain"]) == timeless(side.explain)
    # The settings do make a difference, and the context's cap is met.
    assert len({str(passages) for passages in found.values()}) == len(SETTINGS)
    assert len(tests["several"].sides.get().explain["searches"]) == 3
    assert tests["words"].sides.get().explain["dropped"]
