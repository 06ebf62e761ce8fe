"""Version 4 of the prompt API by plain HTTP: calls of models, and the guide's session flow."""

import json
import uuid
from typing import Any

import httpx2
import pytest

from tests.llm_server import Behaviour, failing
from tests.stack import Stack

CHAT: Any = {
    "model": "test-model",
    "chat_template": [{"role": "system", "content": "You are {{person}}."}],
    "temperature": 0,
}
HI: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def name() -> str:
    return f"guide/{uuid.uuid4().hex[:12]}"


@pytest.fixture
def send(groundwork: Stack):
    def send(method: str, path: str, body: Any = None, person=groundwork.alice) -> httpx2.Response:
        return httpx2.request(
            method,
            f"{groundwork.running.url}/v4/{path}",
            json=body,
            headers={"X-API-KEY": person.token},
            timeout=60,
        )

    return send


def good(response: httpx2.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()


def test_the_guides_session(send, groundwork, name):
    session = f"session-{name}"
    chat = good(
        send(
            "POST",
            "chat",
            {
                "project": f"{name}/assistant",
                "model_config": CHAT,
                "inputs": {"person": "a guide"},
                "messages": HI,
                "session_reference_id": session,
            },
        )
    )
    tool = {"type": "tool", "name": "search", "description": "Searches."}
    log = good(
        send(
            "POST",
            "logs",
            {
                "project": f"{name}/search",
                "config": tool,
                "output": "Found.",
                "session_reference_id": session,
            },
        )
    )
    completion = good(
        send(
            "POST",
            "completion",
            {
                "project": f"{name}/writer",
                "model_config": {"model": "test-model", "prompt_template": "Write on {{topic}}."},
                "inputs": {"topic": "lamps"},
                "session_reference_id": session,
            },
        )
    )

    assert groundwork.llm.prompts[-1]["messages"] == [
        {"role": "user", "content": "Write on lamps."}
    ]
    assert chat["session_id"] == log["session_id"] == completion["session_id"]
    [said] = chat["data"]
    assert (said["output"], said["output_message"]["role"]) == (groundwork.llm.text, "assistant")
    [written] = completion["data"]
    assert written["inputs"] == {"topic": "lamps"}
    assert "output_message" not in written
    shown = good(send("GET", f"sessions/{chat['session_id']}"))
    assert shown["datapoints_count"] == 3
    assert shown["last_output"] == groundwork.llm.text
    assert [one["name"] for one in shown["projects"]]

    outer = f"outer-{name}"
    good(
        send(
            "POST",
            "logs",
            {"project": f"{name}/run", "session_reference_id": session, "reference_id": outer},
        )
    )
    inner = good(
        send(
            "POST",
            "chat",
            {
                "project": f"{name}/assistant",
                "model_config": CHAT,
                "inputs": {"person": "a guide"},
                "messages": HI,
                "session_reference_id": session,
                "parent_reference_id": outer,
            },
        )
    )
    done = good(send("PATCH", f"logs?reference_id={outer}", {"output": "Done."}))
    assert done["output"] == "Done."
    child = good(send("GET", f"logs/{inner['data'][0]['id']}"))
    assert (child["parent_reference_id"], child["session_reference_id"]) == (outer, session)
    assert child["id"].startswith("data_")


def test_a_config_or_what_is_deployed_is_called_again(send, groundwork, name):
    first = {"project": name, "model_config": CHAT, "inputs": {"person": "x"}, "messages": HI}
    made = good(send("POST", "chat", first))
    config_id = made["data"][0]["model_config_id"]
    same: Any = {"project": name, "inputs": {"person": "x"}, "messages": HI}

    deployed = good(send("POST", "chat-deployed", same))
    chosen = good(send("POST", "chat-model-config", same | {"model_config_id": config_id}))

    for answer in (deployed, chosen):
        assert answer["data"][0]["model_config_id"] == config_id
        assert answer["project_id"] == made["project_id"]
    assert send("POST", "chat-deployed", same | {"environment": "nowhere"}).status_code == 404
    assert send("POST", "chat-model-config", same).status_code == 422
    assert send("POST", "chat", same).status_code == 422


def test_a_call_that_is_refused_leaves_nothing(send, groundwork, name):
    body: Any = {"project": name, "inputs": {"person": "x"}, "messages": HI}
    tool = {"type": "tool", "name": "search"}
    assert send("POST", "chat", body | {"model_config": tool}).status_code == 422

    good(send("POST", "chat", body | {"model_config": CHAT}))


def test_a_parent_of_another_session_is_refused_before_the_llm_is_asked(send, groundwork, name):
    parent = {"project": name, "session_reference_id": f"a-{name}", "reference_id": name}
    good(send("POST", "logs", parent))
    before = len(groundwork.llm.prompts)
    body: Any = {"project": f"{name}/c", "model_config": CHAT, "inputs": {"person": "x"}}
    places = {"parent_reference_id": name, "session_reference_id": f"b-{name}"}

    assert send("POST", "chat", body | {"messages": HI} | places).status_code == 422
    assert len(groundwork.llm.prompts) == before


def test_a_stream_has_one_item_for_each_event(send, groundwork, name):
    groundwork.llm.script(Behaviour(text="One two", interval_ms=300))
    body = {"project": name, "model_config": CHAT, "inputs": {"person": "x"}, "messages": HI}
    response = send("POST", "chat", body | {"stream": True})

    assert response.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line]
    items = [event["data"] for event in events]
    assert all(len(item) == 1 for item in items)
    assert [item[0]["output"] for item in items if item[0]["output"]] == ["One", " two"]
    assert [item[0]["finish_reason"] for item in items][-2:] == [None, "stop"]
    assert all(event["project_id"] for event in events)


def test_samples_have_ids_of_their_own(send, groundwork, name):
    groundwork.llm.script(Behaviour(text=" A "), Behaviour(text="B"))
    body = {"project": name, "model_config": CHAT, "inputs": {"person": "x"}, "messages": HI}
    answer = good(send("POST", "chat", body | {"num_samples": 2}))

    assert sorted(one["output"] for one in answer["data"]) == ["A", "B"]
    assert len({one["id"] for one in answer["data"]}) == len(answer["provider_responses"]) == 2
    assert answer["usage"]["generation_tokens"] > 0


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"inputs": {}}, 422),
        ({"messages": None}, 422),
        ({"session_id": "sesh_nothing"}, 404),
        ({"session_id": "a", "session_reference_id": "b"}, 422),
        ({"parent_id": "log_nothing"}, 404),
        ({"parent_reference_id": "nothing"}, 404),
        ({"project": None}, 422),
        ({"project_id": "pr_nothing", "project": None}, 404),
        ({"num_samples": 0}, 422),
        ({"model_config": {"chat_template": []}}, 422),
    ],
)
def test_what_is_wrong_is_refused_before_the_llm_is_asked(send, groundwork, name, given, status):
    body: Any = {"project": name, "model_config": CHAT, "inputs": {"person": "x"}, "messages": HI}
    before = len(groundwork.llm.prompts)
    sent = {key: value for key, value in {**body, **given}.items() if value is not None}
    response = send("POST", "chat", sent)

    assert response.status_code == status, response.text
    assert response.json()["detail"]
    assert len(groundwork.llm.prompts) == before


@pytest.mark.parametrize("is_stream", [False, True])
def test_what_the_provider_refuses_has_its_status(send, groundwork, name, is_stream):
    groundwork.llm.script(failing(400, "Bad."))
    body = {"project": name, "model_config": CHAT, "inputs": {"person": "x"}, "messages": HI}
    response = send("POST", "chat", body | {"stream": is_stream})

    assert (response.status_code, response.json()["detail"]["origin"]) == (422, "openai")


def test_others_call_nothing(send, groundwork, name):
    body = {"project": "plain", "model_config": CHAT, "inputs": {"person": "x"}, "messages": HI}
    before = len(groundwork.llm.prompts)
    made = good(send("POST", "chat", body | {"project": name}))
    stolen = {"project_id": made["project_id"], "messages": HI, "inputs": {"person": "x"}}

    assert send("POST", "chat-deployed", stolen, groundwork.bob).status_code == 404
    assert send("POST", "chat-deployed", stolen, groundwork.vera).status_code == 403
    assert send("GET", "chat").status_code == 405
    url = f"{groundwork.running.url}/v4/chat"
    assert httpx2.post(url, json=body).status_code == 401
    assert len(groundwork.llm.prompts) == before + 1
