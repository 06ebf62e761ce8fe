"""Settings of retrieval that other clients of this API do not know: told only when in use."""

import pytest

from blueprints.settings import AnswerSettings
from playground.models import ChatPrompt
from tests.api.conftest import problems
from vectordb.retrieval_settings import RetrievalSettings

URL = "genai/chatPrompts/"
SUPPORTED = "genai/vectorDatabases/supportedRetrievalSettings/"


def ask(api, chat, **settings: object):
    body = {"text": "Which oil?", "chatId": chat.pk, "vectorDatabaseSettings": settings}
    return api.post(URL, body)


def kept(prompt_id: str) -> RetrievalSettings:
    prompt = ChatPrompt.objects.get(pk=prompt_id)
    return RetrievalSettings.from_json(prompt.retrieval_settings or {})


@pytest.mark.parametrize("value", [0, 0.35, 1])
def test_a_threshold_is_used_told_and_kept(api, chat, value):
    answer = ask(api, chat, similarityThreshold=value).json()

    assert answer["vectorDatabaseSettings"]["similarityThreshold"] == value
    assert kept(answer["id"]).similarity_threshold == value
    later = api.post(URL, {"text": "And?", "chatId": chat.pk}).json()
    assert later["vectorDatabaseSettings"]["similarityThreshold"] == value


@pytest.mark.parametrize(
    "sent", [{}, {"similarityThreshold": None, "rerank": False}, {"similarityThreshold": None}]
)
def test_what_is_usual_is_not_told(api, chat, sent):
    answer = ask(api, chat, **sent).json()

    assert not {"similarityThreshold", "rerank"} & set(answer["vectorDatabaseSettings"])
    assert kept(answer["id"]) == RetrievalSettings()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("similarityThreshold", -0.01),
        ("similarityThreshold", 1.01),
        ("similarityThreshold", "0.5"),
        ("similarityThreshold", True),
        ("rerank", "yes"),
        ("rerank", None),
        ("rerank", 1),
    ],
)
def test_nothing_else_is_taken(api, chat, field, value):
    answer = ask(api, chat, **{field: value})

    assert answer.status_code == 422
    [(loc, _)] = problems(answer)
    assert loc == ["body", "vectorDatabaseSettings", field]


def test_a_reranker_that_is_not_there_is_refused_where_it_is_asked_for(api, chat, blueprint):
    refused = ask(api, chat, rerank=True)
    assert refused.status_code == 422
    assert problems(refused) == [
        (["body", "vectorDatabaseSettings", "rerank"], "value_error"),
    ]
    assert "No reranker is configured" in str(refused.json())
    patch = {"vectorDatabaseSettings": {"rerank": True}}
    assert api.patch(f"genai/llmBlueprints/{blueprint.pk}/", patch).status_code == 422
    assert not ChatPrompt.objects.exists()


def test_a_reranker_that_is_there_is_used_told_and_offered(api, chat, settings):
    names = [one["name"] for one in api.get(SUPPORTED).json()["settings"]]
    assert "similarity_threshold" in names
    assert "rerank" not in names
    settings.RERANKER = "a/cross-encoder"

    answer = ask(api, chat, rerank=True).json()

    assert answer["vectorDatabaseSettings"]["rerank"] is True
    assert kept(answer["id"]).rerank
    assert "rerank" in [one["name"] for one in api.get(SUPPORTED).json()["settings"]]


def test_versions_from_before_these_settings_are_still_the_same():
    usual = RetrievalSettings()
    assert not {"similarity_threshold", "rerank"} & set(usual.to_hash())
    hashes = {
        AnswerSettings(retrieval_settings=one).content_hash()
        for one in (
            usual,
            RetrievalSettings(similarity_threshold=0),
            RetrievalSettings(similarity_threshold=0.5),
            RetrievalSettings(rerank=True),
        )
    }
    assert len(hashes) == 4
