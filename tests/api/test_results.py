"""What an answer from documents tells when it is done: made by a worker, an LLM server, an index."""

import itertools
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from blueprints.models import LLM, LLMEndpoint, Provider
from playground.models import ChatPrompt
from tests.llm_server import UNAUTHORIZED, Behaviour
from vectordb.tokens import count_tokens

pytestmark = pytest.mark.django_db(transaction=True)

URL = "genai/chatPrompts/"
TEXTS = [f"The lamp of tower {number} burns oil number {number}." for number in range(12)]
TABLE = "document,document_file_path,tower\n" + "".join(
    f"{text},book.txt,{number}\n" for number, text in enumerate(TEXTS)
)


@pytest.fixture
def served(llm_endpoint: LLMEndpoint) -> LLM:
    return LLM.objects.create(
        id="lab/test-model",
        label="Test model",
        provider=Provider.OPENAI,
        endpoint=llm_endpoint,
        model_name="test-model",
        context_size=8192,
    )


@pytest.fixture
def library(api, use_case, run_jobs) -> str:
    """Twelve chunks of one document."""
    upload = SimpleUploadedFile("book.csv", TABLE.encode())
    dataset = api.upload(upload).json()["catalogId"]
    api.post(f"useCases/{use_case.pk}/datasets/{dataset}/")
    body = {"datasetId": dataset, "useCaseId": use_case.pk}
    made = api.post(
        "genai/vectorDatabases/", body | {"chunkingParameters": {"customChunking": True}}
    )
    run_jobs()
    return str(made.json()["id"])


@pytest.fixture
def ask(api, chat, served, library, run_jobs):
    """The finished prompt; what is sent are its settings of retrieval."""

    def asked(text: str = "Which oil burns?", **settings: Any) -> dict[str, Any]:
        body = {
            "text": text,
            "chatId": chat.pk,
            "llmId": served.pk,
            "vectorDatabaseId": library,
            "vectorDatabaseSettings": settings,
        }
        response = api.post(URL, body)
        assert response.status_code == 202, response.content
        run_jobs()
        shown: dict[str, Any] = api.get(f"{URL}{response.json()['id']}/").json()
        return shown

    return asked


def tokens(prompt: dict[str, Any]) -> int:
    return sum(count_tokens(one["text"]) for one in prompt["citations"])


def test_an_answer_tells_everything_at_once(ask, llm_server, alice):
    llm_server.always = Behaviour(text="The lamp burns oil number 3 [1].")

    shown = ask(TEXTS[3])

    result = shown["resultMetadata"]
    assert (shown["executionStatus"], shown["userName"]) == ("COMPLETED", "alice")
    assert shown["resultText"] == "The lamp burns oil number 3 [1]."
    assert result["finalPrompt"] == llm_server.prompts[-1]["messages"]
    assert result["totalTokenCount"] == result["inputTokenCount"] + result["outputTokenCount"]
    assert min(result["inputTokenCount"], result["outputTokenCount"]) > 0
    assert result["estimatedDocsTokenCount"] == tokens(shown)
    assert result["latencyMilliseconds"] > 0
    assert (result["metrics"], result["errorMessage"]) == ([], None)
    assert set(shown["confidenceScores"]) == {"rouge", "meteor", "bleu"}
    assert all(type(one) is float and 0 <= one <= 1 for one in shown["confidenceScores"].values())
    first, *others = shown["citations"]
    assert first["text"] == TEXTS[3]
    assert first["source"] == "book.txt"
    assert first["metadata"] == {"source": "book.txt", "tower": 3, "language": "en"}
    assert first["page"] is None
    assert first["startIndex"] == sum(len(text) for text in TEXTS[:3])
    assert 0.8 < first["similarityScore"] <= 1.001
    assert all(one["similarityScore"] <= first["similarityScore"] for one in others)


@pytest.mark.parametrize(("most", "found"), [(None, 4), (1, 1), (2, 2), (10, 10)])
def test_as_many_chunks_are_cited_as_was_asked_for(ask, most, found):
    shown = ask(maxDocumentsRetrievedPerPrompt=most)

    scores = [one["similarityScore"] for one in shown["citations"]]
    assert len(scores) == found
    assert scores == sorted(scores, reverse=True)


def test_neighbours_come_on_top(ask):
    alone = ask(TEXTS[5], maxDocumentsRetrievedPerPrompt=1)["citations"]
    among = ask(TEXTS[5], maxDocumentsRetrievedPerPrompt=1, addNeighborChunks=True)["citations"]
    first = ask(TEXTS[0], maxDocumentsRetrievedPerPrompt=1, addNeighborChunks=True)["citations"]
    many = ask(TEXTS[5], maxDocumentsRetrievedPerPrompt=4, addNeighborChunks=True)["citations"]

    assert [one["metadata"]["tower"] for one in alone] == [5]
    assert [one["metadata"]["tower"] for one in among] == [4, 5, 6]
    ids = [one["chunkId"] for one in among]
    assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
    assert [one["metadata"]["tower"] for one in first] == [0, 1]
    towers = [one["metadata"]["tower"] for one in many]
    assert len(set(towers)) == len(towers) > 4


@pytest.mark.parametrize("most", [1, 5, 20, 40, 51_200])
def test_the_sum_of_tokens_is_capped(ask, most):
    shown = ask(TEXTS[5], maxDocumentsRetrievedPerPrompt=10, maxTokens=most)

    cited = [one["text"] for one in shown["citations"]]
    assert 0 < shown["resultMetadata"]["estimatedDocsTokenCount"] == tokens(shown) <= most
    if most < count_tokens(TEXTS[5]):
        [cut] = cited
        assert TEXTS[5].startswith(cut)
    else:  # the lowest ranks were dropped, whole
        assert cited[0] == TEXTS[5]
        assert set(cited) <= set(TEXTS)
        assert len(cited) == 10 or tokens(shown) + count_tokens(TEXTS[0]) > most


def test_the_message_is_system_history_documents_question(ask):
    ask("First?")
    last = ask("Second?", maxDocumentsRetrievedPerPrompt=2)

    messages = last["resultMetadata"]["finalPrompt"]
    assert [one["role"] for one in messages] == ["system", "user", "assistant", "user"]
    assert messages[1]["content"] == "First?"
    places = [messages[3]["content"].index(one["text"]) for one in last["citations"]]
    places.append(messages[3]["content"].index("Second?"))
    assert all(before < after for before, after in itertools.pairwise(places))


@pytest.mark.parametrize(
    "behaviour", [UNAUTHORIZED, Behaviour(break_after=3)], ids=["at once", "in the middle"]
)
def test_a_failure_is_a_result_without_text_and_counts(api, ask, llm_server, behaviour):
    llm_server.always = behaviour

    shown = ask()

    assert (shown["executionStatus"], shown["resultText"]) == ("ERROR", None)
    assert shown["confidenceScores"] is None
    result = shown["resultMetadata"]
    assert result["errorMessage"]
    assert {one for one in result.values() if type(one) is int} == {0}
    ended = api.get(f"genai/status/{shown['id']}/")
    assert ended.status_code == 303
    assert ended["Location"].endswith(f"/api/v2/{URL}{shown['id']}/")


def test_an_answer_without_documents_has_no_scores(api, chat, served, run_jobs):
    asked = api.post(URL, {"text": "Why?", "chatId": chat.pk, "llmId": served.pk}).json()
    run_jobs()

    shown = api.get(f"{URL}{asked['id']}/").json()
    assert (shown["confidenceScores"], shown["citations"]) == (None, [])
    assert shown["resultMetadata"]["estimatedDocsTokenCount"] == 0


def test_a_citation_without_a_source_says_so(api, answered):
    [citation, blank] = answered.citations
    nowhere = citation | {"source": "", "similarity": None, "page": 3, "metadata": None}
    ChatPrompt.objects.update(citations=[nowhere, blank])

    [shown] = api.get(f"{URL}{answered.pk}/").json()["citations"]

    assert shown["source"] is None
    assert (shown["similarityScore"], shown["page"], shown["metadata"]) == (None, 3, None)
