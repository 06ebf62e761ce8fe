"""Contexts and history, as the answers tell them and as the LLM server saw them."""

from typing import Any

import pytest

from blueprints.models import LLM, Provider
from config.status import Status
from playground.models import ChatPrompt
from tests.llm_server import UNAUTHORIZED, Behaviour

pytestmark = pytest.mark.django_db(transaction=True)

URL = "genai/chatPrompts/"
AWARE, ONE_TIME = "CHAT_HISTORY_AWARE", "ONE_TIME_PROMPT"


@pytest.fixture
def served(llm_endpoint) -> LLM:
    return LLM.objects.create(
        id="lab/test-model",
        label="Test model",
        provider=Provider.OPENAI,
        endpoint=llm_endpoint,
        model_name="test-model",
        context_size=8192,
    )


@pytest.fixture
def blueprint_id(api, playground, served) -> str:
    body = {"playgroundId": playground.pk, "name": "Bot", "llmId": served.pk}
    return str(api.post("genai/llmBlueprints/", body).json()["id"])


@pytest.fixture
def chat_id(api, blueprint_id) -> str:
    return str(api.post("genai/chats/", {"llmBlueprintId": blueprint_id}).json()["id"])


@pytest.fixture
def ask(api, chat_id, run_jobs):
    def asked(text: str, **body: Any) -> dict[str, Any]:
        response = api.post(URL, {"text": text, "chatId": chat_id} | body)
        assert response.status_code == 202, response.content
        run_jobs()
        found: dict[str, Any] = api.get(f"{URL}{response.json()['id']}/").json()
        return found

    return asked


@pytest.fixture
def switch(api, blueprint_id):
    def to(prompt_type: str) -> None:
        response = api.patch(f"genai/llmBlueprints/{blueprint_id}/", {"promptType": prompt_type})
        assert response.status_code == 200

    return to


def included(prompt: dict[str, Any]) -> list[str]:
    return list(prompt["chatPromptIdsIncludedInHistory"])


def questions(llm_server) -> list[str]:
    """What the users are told to have said in the last request."""
    messages = llm_server.prompts[-1]["messages"]
    return [message["content"] for message in messages if message["role"] == "user"]


def test_there_and_back_are_three_contexts(ask, switch, llm_server):
    first, second = ask("one"), ask("two")
    switch(ONE_TIME)
    third, fourth = ask("three"), ask("four")
    switch(AWARE)
    fifth, sixth = ask("five"), ask("six")

    contexts = [one["chatContextId"] for one in (first, second, third, fourth, fifth, sixth)]
    assert contexts[0] == contexts[1]
    assert contexts[2] == contexts[3]
    assert contexts[4] == contexts[5]
    assert len(set(contexts)) == 3
    assert [included(one) for one in (first, third, fourth, fifth)] == [[], [], [], []]
    assert included(second) == [first["id"]]
    assert included(sixth) == [fifth["id"]]
    assert questions(llm_server) == ["five", "six"]


def test_a_switch_that_nobody_used_starts_nothing(ask, switch):
    first = ask("one")
    switch(ONE_TIME)
    switch(AWARE)
    second = ask("two")

    assert second["chatContextId"] == first["chatContextId"]
    assert included(second) == [first["id"]]


def test_history_is_what_was_sent_the_oldest_first(ask, llm_server):
    earlier = [ask(text)["id"] for text in ("one", "two", "three")]
    last = ask("four")

    assert included(last) == earlier
    assert questions(llm_server) == ["one", "two", "three", "four"]
    roles = [message["role"] for message in last["resultMetadata"]["finalPrompt"]]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]
    assert last["resultMetadata"]["finalPrompt"] == llm_server.prompts[-1]["messages"]


def test_the_oldest_give_way_first(ask, served, llm_server):
    served.context_size = 700
    served.save()
    long = " ".join(["word"] * 120)
    llm_server.always = Behaviour(text="Yes.")
    prompts = [ask(f"{number}: {long}") for number in range(4)]

    kept = included(prompts[-1])

    assert 0 < len(kept) < 3
    assert kept == [one["id"] for one in prompts[:3]][-len(kept) :]
    assert [text[0] for text in questions(llm_server)] == ["0", "1", "2", "3"][-len(kept) - 1 :]


@pytest.mark.parametrize(
    "change",
    [
        {"status": Status.ERROR},
        {"status": Status.SKIPPED},
        {"status": Status.CANCELLED},
        {"blocked_text": "Not for you."},
    ],
    ids=lambda change: next(iter(change.values())),
)
def test_only_good_answers_are_history(ask, change):
    first, second = ask("one"), ask("two")
    ChatPrompt.objects.filter(pk=first["id"]).update(**change)

    assert included(ask("three")) == [second["id"]]


def test_a_failed_answer_is_no_history_but_stays_in_the_context(ask, llm_server):
    llm_server.script(UNAUTHORIZED)
    failed = ask("one")
    second = ask("two")

    assert failed["executionStatus"] == "ERROR"
    assert second["chatContextId"] == failed["chatContextId"]
    assert included(second) == []


def test_a_deletion_rewrites_nothing(api, ask):
    first, second = ask("one"), ask("two")
    api.delete(f"{URL}{first['id']}/")

    assert included(api.get(f"{URL}{second['id']}/").json()) == [first["id"]]
    assert included(ask("three")) == [second["id"]]


def test_other_chats_are_no_history(api, blueprint_id, ask):
    first = ask("one")
    other = api.post("genai/chats/", {"llmBlueprintId": blueprint_id}).json()["id"]
    second = ask("two", chatId=other)

    assert included(second) == []
    assert second["chatContextId"] != first["chatContextId"]


def test_prompts_that_wait_are_answered_in_the_order_of_asking(api, chat_id, run_jobs, llm_server):
    ids = [
        api.post(URL, {"text": text, "chatId": chat_id}).json()["id"] for text in ("a", "b", "c")
    ]
    run_jobs()

    assert [included(api.get(f"{URL}{one}/").json()) for one in ids] == [[], ids[:1], ids[:2]]
    assert questions(llm_server) == ["a", "b", "c"]
