"""What chunks are found by: a setting that other clients of this API do not know."""

import pytest

from playground.models import ChatPrompt
from tests.api.conftest import problems

URL = "genai/chatPrompts/"


def ask(api, chat, **settings: object):
    body = {"text": "Which oil?", "chatId": chat.pk, "vectorDatabaseSettings": settings}
    return api.post(URL, body)


@pytest.mark.parametrize("mode", ["vector", "keyword"])
def test_it_is_used_told_and_kept(api, chat, mode):
    answer = ask(api, chat, searchMode=mode)

    assert answer.status_code == 202
    assert answer.json()["vectorDatabaseSettings"]["searchMode"] == mode
    prompt = ChatPrompt.objects.get(pk=answer.json()["id"])
    assert (prompt.retrieval_settings or {})["search_mode"] == mode
    later = api.post(URL, {"text": "And?", "chatId": chat.pk}).json()
    assert later["vectorDatabaseSettings"]["searchMode"] == mode


@pytest.mark.parametrize("sent", [{}, {"searchMode": "hybrid"}, {"searchMode": None}])
def test_what_is_usual_is_not_told(api, chat, sent):
    answer = ask(api, chat, **sent).json()

    assert "searchMode" not in answer["vectorDatabaseSettings"]
    prompt = ChatPrompt.objects.get(pk=answer["id"])
    assert (prompt.retrieval_settings or {})["search_mode"] == "hybrid"


@pytest.mark.parametrize("value", ["", "HYBRID", "bm25", 1, ["vector"]])
def test_no_other_is_taken(api, chat, value):
    answer = ask(api, chat, searchMode=value)

    assert answer.status_code == 422
    [(loc, _)] = problems(answer)
    assert loc == ["body", "vectorDatabaseSettings", "searchMode"]
