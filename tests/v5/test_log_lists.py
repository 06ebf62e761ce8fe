"""`GET /v5/logs`: one file's logs, the newest first, filtered and in pages."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blueprints.settings import AnswerSettings
from playground import services as playground
from playground.models import ChatPrompt
from tests.v5.conftest import Programme, problems, refusal
from tests.v5.test_logs import logged

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(api: Programme) -> dict[str, Any]:
    """Five logs of a prompt of 2024-05-01 … 05, in two versions, the last two in traces."""
    logged(api, "flow", log_id="flow")
    made = []
    texts = ["Hello *World*", 'A "quoted" text', "50%_done\\", "näïve 😀", ""]
    for day, text in enumerate(texts, start=1):
        body: dict[str, Any] = {
            "path": "bot",
            "prompt": {"model": "one" if day < 3 else "two"},
            "log_id": f"run-{day}",
            "created_at": f"2024-05-0{day}T12:00:00Z",
            "inputs": {"topic": f"lamp {day}", "said": 'x "y"\n'},
            "output": text,
            "metadata": {"team": f"t{day}"},
        }
        made.append(
            api.made("prompts/log", **body, **({"trace_parent_id": "flow"} if day == 4 else {}))
        )
    logged(api, "tool", trace_parent_id="run-5")
    logged(api, path="another")
    api.made("evaluators/log", path="rating", parent_id="run-1", judgment="good")
    return {
        "file_id": made[0]["prompt_id"],
        "one": made[0]["version_id"],
        "two": made[-1]["version_id"],
        "flow": api.get("logs/flow").json()["flow"]["id"],
    }


def ids_of(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["id"].removeprefix("run-") for row in response.json()["records"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "54321"),
        ({"page": 2, "size": 2}, "32"),
        ({"page": 9}, ""),
        ({"size": 0}, ""),
        ({"version_id": "one"}, "21"),
        ({"version_id": "two"}, "543"),
        ({"id": "run-2"}, "2"),
        ({"id": ["UN-3", "n-4"]}, "43"),
        ({"id": "nothing"}, ""),
        ({"search": "world"}, "1"),
        ({"search": '"QUOTED"'}, "2"),
        ({"search": "50%"}, "3"),
        ({"search": "_done\\"}, "3"),
        ({"search": "ÏVE 😀"}, "4"),
        ({"search": "lamp 5"}, "5"),
        ({"search": 'x "y"\n'}, "54321"),
        ({"search": "nowhere"}, ""),
        ({"search": ""}, "54321"),
        ({"metadata_search": "T3"}, "3"),
        ({"start_date": "2024-05-03T12:00:00Z"}, "543"),
        ({"start_date": "2024-05-02T14:00:00+02:00", "end_date": "2024-05-03T13:00:00"}, "32"),
        ({"end_date": "2024-05-02"}, "1"),
        ({"in_trace_filter": "true"}, "54"),
        ({"in_trace_filter": "false"}, "321"),
        ({"in_trace_filter": ["true", "false"]}, "54321"),
        ({"sample": 0}, ""),
        ({"sample": 99}, "54321"),
    ],
)
def test_filters(api: Programme, world, query, found):
    if "version_id" in query:
        query = {"version_id": world[query["version_id"]]}
    response = api.get("logs", file_id=world["file_id"], **query)

    assert ids_of(response) == list(found)
    body = response.json()
    assert (body["page"], body["size"]) == (query.get("page", 1), query.get("size", 10))
    if not {"page", "size"} & set(query):
        assert body["total"] == len(found)


def test_a_sample_stays_the_same_from_page_to_page(api: Programme, world):
    pages = [
        ids_of(api.get("logs", file_id=world["file_id"], sample=3, page=page, size=2))
        for page in (1, 2, 3)
    ]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert len({one for page in pages for one in page}) == 3
    assert api.get("logs", file_id=world["file_id"], sample=3).json()["total"] == 3


def test_the_query_must_hold(api: Programme, world):
    file = world["file_id"]
    assert problems(api.get("logs")) == [(["query", "file_id"], "missing")]
    for query in (
        {"page": 0},
        {"size": -1},
        {"page": "x"},
        {"start_date": "x"},
        {"in_trace_filter": "x"},
    ):
        [name] = query
        assert [loc[:2] for loc, _ in problems(api.get("logs", file_id=file, **query))] == [
            ["query", name]
        ]
    for unknown in (
        "pr_" + "0" * 24,
        "nothing",
        "xx_1",
        world["file_id"].replace("pr_", "fl_"),
        "",
    ):
        assert refusal(api.get("logs", file_id=unknown)) == (404, "not_found_error")
    assert refusal(api.get("logs", file_id=file, version_id="prv_" + "0" * 24))[0] == 404
    assert refusal(api.get("logs", file_id=world["flow"], version_id=world["one"]))[0] == 404


def test_children_are_shown_where_they_are_asked_for(api: Programme, world):
    def children(file: str, **query: Any) -> list[Any]:
        return [
            row["trace_children"]
            for row in api.get("logs", file_id=file, **query).json()["records"]
        ]

    assert children(world["file_id"]) == [None] * 5
    shown = children(world["file_id"], include_trace_children="true")
    assert [len(one) for one in shown] == [1, 0, 0, 0, 0]
    [[only]] = children(world["flow"], include_trace_children="true")
    assert (only["id"], only["trace_children"]) == ("run-4", [])


def test_a_page_takes_as_many_queries_for_ten_as_for_one(api: Programme, world):
    def statements(size: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            response = api.get(
                "logs", file_id=world["file_id"], size=size, include_trace_children="true"
            )
        assert len(response.json()["records"]) == size
        return len(queries)

    statements(5)
    assert statements(2) == statements(5)


def test_answers_in_chats_are_logs_of_their_prompt(api: Programme, alice, use_case, run_jobs):
    place = playground.create_playground(user=alice, use_case=use_case, name="P")
    blueprint = playground.create_blueprint(
        user=alice, playground=place, name="Baseline", settings=AnswerSettings()
    )
    chat = playground.create_chat(user=alice, playground=place, blueprint=blueprint)
    question = playground.ask(user=alice, chat=chat, text="Why is the sky blue?")
    run_jobs()

    [row] = api.get("logs", file_id=f"pr_{blueprint.pk}", search="SKY").json()["records"]

    answer = ChatPrompt.objects.get(pk=question.pk)
    assert row["id"] == f"log_{answer.log_id}"
    assert row["output"] == answer.result_text
    assert row["messages"] == [{"role": "user", "content": "Why is the sky blue?"}]
    assert row["output_message"] == {"role": "assistant", "content": answer.result_text}
    assert (row["inputs"], row["trace_id"], row["prompt"]["path"]) == ({}, None, "baseline")
    assert api.get("logs", file_id=f"pr_{blueprint.pk}", search="CHAT_HISTORY").json()["total"] == 0
