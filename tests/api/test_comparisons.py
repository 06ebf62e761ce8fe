"""Comparison chats and comparison prompts, as the GenAI API has them."""

import asyncio
import json
import re

import pytest
from django.test import AsyncClient

from config.api import status as status_view
from config.listener import listener
from config.notify import publish
from config.status import Status
from config.threads import in_thread
from playground import services
from playground.models import Chat, ChatPrompt, ComparisonChat, ComparisonPrompt
from tests.api.conftest import CITATION, Api, problems

CHATS = "genai/comparisonChats/"
URL = "genai/comparisonPrompts/"
NOTHING = "0" * 24


@pytest.fixture
def saved(alice, playground, blueprint):
    """Three saved blueprints of one playground."""
    others = [
        services.copy_blueprint(blueprint, user=alice, playground=playground, name=name)
        for name in ("Second", "Third")
    ]
    return [
        services.update_blueprint(one, user=alice, is_saved=True) for one in [blueprint, *others]
    ]


@pytest.fixture
def elsewhere(alice, use_case, llm, blueprint):
    """A saved blueprint of another playground of the same use case."""
    room = services.create_playground(user=alice, use_case=use_case, name="Other")
    copy = services.copy_blueprint(blueprint, user=alice, playground=room, name="Elsewhere")
    return services.update_blueprint(copy, user=alice, is_saved=True)


@pytest.fixture
def comparison_chat(api, playground):
    body = api.post(CHATS, {"playgroundId": playground.pk, "name": "Oils"}).json()
    return ComparisonChat.objects.get(pk=body["id"])


@pytest.fixture
def compare(api, saved):
    """Asks some of the saved blueprints; gives the answer's JSON."""

    def ask(*, text="Which oil?", blueprints=(0, 1), caller=api, **more):
        ids = [saved[number].pk for number in blueprints]
        response = caller.post(URL, {"llmBlueprintIds": ids, "text": text, **more})
        assert response.status_code == 202, response.content
        return response.json()

    return ask


def answer(*result_ids, **fields):
    values = {"status": Status.COMPLETED, "result_text": "Rapeseed oil. [1]", **fields}
    for prompt in ChatPrompt.objects.filter(pk__in=result_ids):
        ChatPrompt.objects.filter(pk=prompt.pk).update(**values)
        publish(topic=f"chat:{prompt.chat_id}", event="finished", data={"prompt": prompt.pk})


def ids_of(results):
    return [result["id"] for result in results]


# Comparison chats.


def test_a_comparison_chat_has_its_fields(api, playground, alice):
    response = api.post(CHATS, {"playgroundId": playground.pk, "name": "Oils"})

    body = response.json()
    assert response.status_code == 201
    assert re.fullmatch(r"[0-9a-f]{24}", body.pop("id"))
    assert body.pop("creationDate").endswith("Z")
    assert body == {
        "name": "Oils",
        "playgroundId": playground.pk,
        "creationUserId": alice.pk,
    }


@pytest.mark.parametrize(("name", "fits"), [("", True), ("n" * 200, True), ("n" * 201, False)])
def test_the_name_of_a_comparison_chat_has_at_most_200_characters(api, playground, name, fits):
    made = api.post(CHATS, {"playgroundId": playground.pk, "name": name})

    if fits:
        assert made.json()["name"] == name
    else:
        assert problems(made) == [(["body", "name"], "string_too_long")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [(["body", "name"], "missing"), (["body", "playgroundId"], "missing")]),
        ({"playgroundId": 5, "name": 5}, [(["body", "name"], "string_type"), (["body", "playgroundId"], "string_type")]),
        ([], [(["body"], "model_attributes_type")]),
    ],
)  # fmt: skip
def test_a_comparison_chat_needs_a_playground_and_a_name(api, body, expected):
    assert problems(api.post(CHATS, body)) == expected


def test_a_comparison_chat_is_renamed(api, comparison_chat):
    path = f"{CHATS}{comparison_chat.pk}/"

    assert api.patch(path, {"name": "Fats"}).json()["name"] == "Fats"
    assert api.patch(path, {}).json()["name"] == "Fats"
    assert api.get(path).json()["name"] == "Fats"
    assert problems(api.patch(path, {"name": "n" * 201})) == [(["body", "name"], "string_too_long")]


def test_comparison_chats_are_listed_newest_first_filtered_and_sorted(api, playground, alice):
    other = services.create_playground(user=alice, use_case=playground.use_case, name="Other")
    for name, room in [("b", playground), ("a", playground), ("c", other)]:
        api.post(CHATS, {"playgroundId": room.pk, "name": name})

    def names(query=None):
        return [record["name"] for record in api.get(CHATS, query).json()["data"]]

    assert names() == ["c", "a", "b"]
    assert names({"playgroundId": playground.pk}) == ["a", "b"]
    assert names({"playgroundId": NOTHING}) == []
    assert names({"sort": "name"}) == ["a", "b", "c"]
    assert names({"sort": "-name"}) == ["c", "b", "a"]
    assert names({"sort": "creationDate"}) == ["b", "a", "c"]
    assert problems(api.get(CHATS, {"sort": "id"})) == [(["query", "sort"], "enum")]


def test_a_deleted_comparison_chat_takes_its_comparisons_along(api, comparison_chat, compare):
    compared = compare(comparisonChatId=comparison_chat.pk)

    assert api.delete(f"{CHATS}{comparison_chat.pk}/").status_code == 204

    assert api.get(f"{CHATS}{comparison_chat.pk}/").status_code == 404
    assert api.get(f"{URL}{compared['id']}/").status_code == 404
    assert not Chat.objects.exists()
    assert not ChatPrompt.objects.exists()


# Comparing.


def test_a_comparison_is_accepted_with_a_result_for_each_blueprint(
    api, saved, comparison_chat, alice
):
    wanted = {"page": {"$gte": 2}, "File_Name": "north.md"}
    response = api.post(
        URL,
        {
            "llmBlueprintIds": [saved[2].pk, saved[0].pk],
            "text": "  Which oil?\n",
            "comparisonChatId": comparison_chat.pk,
            "metadataFilter": wanted,
        },
    )

    body = response.json()
    assert response.status_code == 202
    assert response["Location"] == f"http://testserver/api/v2/genai/status/{body['id']}/"
    assert body.pop("creationDate").endswith("Z")
    first, second = body.pop("results")
    assert body == {
        "id": ComparisonPrompt.objects.get().pk,
        "text": "  Which oil?\n",
        "comparisonChatId": comparison_chat.pk,
        "metadataFilter": wanted,
        "creationUserId": alice.pk,
        "userName": alice.display_name,
    }
    context = first.pop("chatContextId")
    assert re.fullmatch(r"[0-9a-f]{24}", context)
    assert first == {
        "id": ChatPrompt.objects.get(chat__blueprint=saved[2]).pk,
        "llmBlueprintId": saved[2].pk,
        "executionStatus": "NEW",
        "resultText": None,
        "resultMetadata": None,
        "citations": [],
        "confidenceScores": None,
        "comparisonPromptResultIdsIncludedInHistory": [],
    }
    assert second["llmBlueprintId"] == saved[0].pk
    assert second["chatContextId"] != context


def test_the_results_of_a_comparison_are_those_of_prompts(api, compare):
    compared = compare()
    good, bad = ids_of(compared["results"])
    answer(good, latency_ms=811.6, input_tokens=140, output_tokens=5, citations=[CITATION])
    answer(bad, status=Status.ERROR, error_message="The LLM is busy: try again.")

    first, second = api.get(f"{URL}{compared['id']}/").json()["results"]

    assert (first["executionStatus"], first["resultText"]) == ("COMPLETED", "Rapeseed oil. [1]")
    assert first["citations"][0]["source"] == "north.md"
    assert first["resultMetadata"]["latencyMilliseconds"] == 812
    assert first["resultMetadata"]["totalTokenCount"] == 145
    assert (second["executionStatus"], second["resultText"]) == ("ERROR", None)
    assert second["resultMetadata"]["errorMessage"] == "The LLM is busy: try again."


def test_without_a_comparison_chat_it_stands_alone(api, compare):
    compared = compare()

    assert compared["comparisonChatId"] is None
    hidden = ComparisonChat.objects.get()
    assert api.get(CHATS).json()["data"] == []
    assert api.get(f"{CHATS}{hidden.pk}/").status_code == 404
    assert api.get(URL, {"comparisonChatId": hidden.pk}).json()["data"] == []
    refused = api.post(
        URL, {"llmBlueprintIds": [NOTHING], "text": "", "comparisonChatId": hidden.pk}
    )
    assert refused.status_code == 404


def test_one_blueprint_is_enough_and_three_are_not_too_many(compare):
    assert len(compare(blueprints=[0])["results"]) == 1
    assert len(compare(blueprints=[0, 1, 2])["results"]) == 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"text": None}, [(["body", "text"], "string_type")]),
        ({"text": 5}, [(["body", "text"], "string_type")]),
        ({"text": "a\x00"}, [(["body", "text"], "value_error")]),
        ({"text": "a" * 500_001}, [(["body", "text"], "string_too_long")]),
        ({"llmBlueprintIds": []}, [(["body", "llmBlueprintIds"], "too_short")]),
        ({"llmBlueprintIds": None}, [(["body", "llmBlueprintIds"], "list_type")]),
        ({"llmBlueprintIds": "a"}, [(["body", "llmBlueprintIds"], "list_type")]),
        ({"llmBlueprintIds": ["a", 5]}, [(["body", "llmBlueprintIds", 1], "string_type")]),
        ({"comparisonChatId": 5}, [(["body", "comparisonChatId"], "string_type")]),
        ({"metadataFilter": []}, [(["body", "metadataFilter"], "dict_type")]),
        ({"metadataFilter": {"page": {"$like": 1}}}, [(["body", "metadataFilter"], "value_error")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_comparison_is_said(api, saved, changes, expected):
    body = {"llmBlueprintIds": [saved[0].pk], "text": "a"} | changes

    assert problems(api.post(URL, body)) == expected
    assert not ComparisonPrompt.objects.exists()


def test_all_that_is_wrong_is_said_at_once(api):
    assert problems(api.post(URL, {})) == [
        (["body", "llmBlueprintIds"], "missing"),
        (["body", "text"], "missing"),
    ]


@pytest.mark.parametrize("text", ["", "a" * 500_000])
def test_a_text_may_be_empty_or_very_long(compare, text):
    assert compare(text=text)["text"] == text


def test_drafts_are_not_compared(api, alice, saved, playground):
    draft = services.copy_blueprint(saved[0], user=alice, playground=playground, name="Draft")

    response = api.post(URL, {"llmBlueprintIds": [saved[0].pk, draft.pk], "text": "a"})

    assert problems(response) == [(["body", "llmBlueprintIds"], "value_error")]
    assert "“Draft”" in response.json()["detail"][0]["msg"]
    assert not ComparisonChat.objects.exists()


def test_a_blueprint_answers_once(api, saved):
    response = api.post(URL, {"llmBlueprintIds": [saved[0].pk] * 2, "text": "a"})

    assert problems(response) == [(["body", "llmBlueprintIds"], "value_error")]


def test_blueprints_of_two_playgrounds_are_not_compared(api, saved, elsewhere, comparison_chat):
    ids = [saved[0].pk, elsewhere.pk]

    alone = api.post(URL, {"llmBlueprintIds": ids, "text": "a"})
    within = api.post(
        URL,
        {"llmBlueprintIds": ids[1:], "text": "a", "comparisonChatId": comparison_chat.pk},
    )

    for response in (alone, within):
        assert problems(response) == [(["body", "llmBlueprintIds"], "value_error")]


def test_a_blueprint_that_stands_in_both_playgrounds_is_compared(api, alice, saved, elsewhere):
    services.add_blueprint(saved[0].playgrounds.get(), user=alice, blueprint=elsewhere)

    response = api.post(URL, {"llmBlueprintIds": [elsewhere.pk, saved[0].pk], "text": "a"})

    assert response.status_code == 202
    assert ComparisonChat.objects.get().playground == saved[0].playgrounds.get()


@pytest.mark.parametrize("status", [Status.RUNNING, Status.ERROR])
def test_a_blueprint_that_cannot_answer_is_named(api, alice, saved, playground, database, status):
    reading = services.copy_blueprint(saved[0], user=alice, playground=playground, name="Reading")
    api.patch(
        f"genai/llmBlueprints/{reading.pk}/", {"vectorDatabaseId": database.pk, "isSaved": True}
    )
    database.status = status
    database.save()

    response = api.post(URL, {"llmBlueprintIds": [saved[0].pk, reading.pk], "text": "a"})

    assert problems(response) == [(["body", "llmBlueprintIds"], "value_error")]
    assert response.json()["detail"][0]["msg"].startswith("“Reading” cannot answer.")
    assert not ChatPrompt.objects.exists()


@pytest.mark.parametrize("pk", [NOTHING, "", "x" * 10_000, "é\n"])
def test_ids_of_nothing_are_not_found(api, saved, pk):
    fine = {"llmBlueprintIds": [saved[0].pk], "text": "a"}

    for body in (fine | {"llmBlueprintIds": [saved[0].pk, pk]}, fine | {"comparisonChatId": pk}):
        response = api.post(URL, body)
        assert response.status_code == 404
        assert response.json()["detail"].endswith("not found.")
    chat = api.post(CHATS, {"playgroundId": pk, "name": "a"})
    assert (chat.status_code, chat.json()) == (404, {"detail": "Playground not found."})


def test_other_peoples_ids_are_not_found(bob_api, saved, comparison_chat, playground):
    own = bob_api.post("useCases/", {}).json()
    room = bob_api.post("genai/playgrounds/", {"name": "a", "useCaseId": own["id"]}).json()
    mine = bob_api.post("genai/llmBlueprints/", {"name": "a", "playgroundId": room["id"]}).json()
    bob_api.patch(f"genai/llmBlueprints/{mine['id']}/", {"isSaved": True})
    fine = {"llmBlueprintIds": [mine["id"]], "text": "a"}
    compared = bob_api.post(URL, fine).json()

    answers = [
        bob_api.post(CHATS, {"playgroundId": playground.pk, "name": "a"}),
        bob_api.post(URL, fine | {"comparisonChatId": comparison_chat.pk}),
        bob_api.post(URL, fine | {"llmBlueprintIds": [mine["id"], saved[0].pk]}),
        bob_api.patch(f"{URL}{compared['id']}/", {"additionalLLMBlueprintIds": [saved[0].pk]}),
    ]

    assert [response.status_code for response in answers] == [404] * 4


# Reading.


@pytest.fixture
def three(compare, comparison_chat):
    """Two comparisons in a chat, one alone."""
    chat = {"comparisonChatId": comparison_chat.pk}
    return [
        compare(text="a", blueprints=[0, 1], **chat),
        compare(text="b", blueprints=[1, 2]),
        compare(text="c", blueprints=[2, 0], **chat),
    ]


def texts(response):
    assert response.status_code == 200, response.content
    return [record["text"] for record in response.json()["data"]]


def test_comparisons_are_listed_by_chat_in_the_order_of_asking(api, three, comparison_chat):
    response = api.get(URL, {"comparisonChatId": comparison_chat.pk})

    assert texts(response) == ["a", "c"]
    assert response.json()["data"] == [three[0], three[2]]


def test_comparisons_are_listed_by_blueprint(api, three, saved):
    def with_any(*numbers):
        return texts(api.get(URL, {"llmBlueprintIds": [saved[n].pk for n in numbers]}))

    assert with_any(0) == ["a", "c"]
    assert with_any(1) == ["a", "b"]
    assert with_any(1, 2) == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["llmBlueprintIds", "comparisonChatId"])
@pytest.mark.parametrize("value", [NOTHING, "", "x"])
def test_a_filter_that_matches_nothing_gives_an_empty_list(api, three, name, value):
    assert texts(api.get(URL, {name: value})) == []


def test_exactly_one_filter_is_needed(api, three, saved, comparison_chat):
    both = {"llmBlueprintIds": saved[0].pk, "comparisonChatId": comparison_chat.pk}

    assert problems(api.get(URL)) == [(["query"], "value_error")]
    assert problems(api.get(URL, both)) == [(["query"], "value_error")]


def test_pages_keep_the_filter(api, three, saved):
    page = api.get(URL, {"llmBlueprintIds": [saved[0].pk, saved[1].pk], "limit": 1}).json()

    start = f"http://testserver/api/v2/{URL}?llmBlueprintIds={saved[0].pk}"
    assert page["next"] == f"{start}&llmBlueprintIds={saved[1].pk}&limit=1&offset=1"
    assert (page["count"], page["totalCount"], page["previous"]) == (1, 3, None)


def test_a_list_takes_as_many_queries_for_many_as_for_few(
    api, three, saved, vera, django_assert_num_queries
):
    for prompt in ChatPrompt.objects.all():
        prompt.feedback.create(user=vera, is_positive=True)
    answer(*ChatPrompt.objects.values_list("pk", flat=True))
    query = {"llmBlueprintIds": [one.pk for one in saved]}
    api.get(URL, query)  # the first use of a token is noted

    # token, count, page, results, feedback
    with django_assert_num_queries(5):
        api.get(URL, query | {"limit": 1})
    with django_assert_num_queries(5):
        api.get(URL, query)


def test_a_viewer_reads_and_a_stranger_does_not(vera_api, bob_api, three, saved, comparison_chat):
    query = {"llmBlueprintIds": saved[0].pk}

    assert texts(vera_api.get(URL, query)) == ["a", "c"]
    assert texts(bob_api.get(URL, query)) == []
    assert texts(bob_api.get(URL, {"comparisonChatId": comparison_chat.pk})) == []
    assert bob_api.get(CHATS).json()["data"] == []


# Adding blueprints.


def test_further_blueprints_are_asked_the_same(api, compare, saved):
    compared = compare(text="Which oil?", metadataFilter={"page": 2})
    answer(*ids_of(compared["results"]))

    response = api.patch(f"{URL}{compared['id']}/", {"additionalLLMBlueprintIds": [saved[2].pk]})

    assert response.status_code == 202
    assert response["Location"] == f"http://testserver/api/v2/genai/status/{compared['id']}/"
    results = response.json()["results"]
    assert [result["llmBlueprintId"] for result in results] == [one.pk for one in saved]
    assert [result["executionStatus"] for result in results] == ["COMPLETED"] * 2 + ["NEW"]
    added = ChatPrompt.objects.get(chat__blueprint=saved[2])
    assert (added.text, added.metadata_filter) == ("Which oil?", {"page": 2})


@pytest.mark.parametrize(
    ("value", "loc", "kind"),
    [
        ("a", ["additionalLLMBlueprintIds"], "list_type"),
        ([5], ["additionalLLMBlueprintIds", 0], "string_type"),
    ],
)
def test_a_wrong_list_of_further_blueprints_is_refused(api, compare, value, loc, kind):
    response = api.patch(f"{URL}{compare()['id']}/", {"additionalLLMBlueprintIds": value})

    assert problems(response) == [(["body", *loc], kind)]


def test_further_blueprints_follow_the_rules_of_the_first(
    api, alice, compare, saved, elsewhere, playground
):
    compared = compare()
    draft = services.copy_blueprint(saved[0], user=alice, playground=playground, name="Draft")

    def add(*blueprints):
        ids = [
            blueprint if isinstance(blueprint, str) else blueprint.pk for blueprint in blueprints
        ]
        return api.patch(f"{URL}{compared['id']}/", {"additionalLLMBlueprintIds": ids})

    for refused in (add(saved[0]), add(saved[2], saved[2]), add(draft), add(elsewhere)):
        assert problems(refused) == [(["body", "additionalLLMBlueprintIds"], "value_error")]
    assert add(saved[2], NOTHING).status_code == 404
    assert ChatPrompt.objects.count() == 2


@pytest.mark.parametrize("body", [{}, {"additionalLLMBlueprintIds": []}, {"feedbackResult": None}])
def test_an_empty_patch_changes_nothing(api, compare, body):
    compared = compare()

    response = api.patch(f"{URL}{compared['id']}/", body)

    assert (response.status_code, response.json()) == (202, compared)


def test_a_patch_is_done_as_a_whole_or_not_at_all(api, compare, saved):
    compared = compare()
    unfinished = compared["results"][0]["id"]

    response = api.patch(
        f"{URL}{compared['id']}/",
        {
            "additionalLLMBlueprintIds": [saved[2].pk],
            "feedbackResult": {
                "comparisonPromptResultId": unfinished,
                "feedbackMetadata": {"feedback": "1"},
            },
        },
    )

    loc = ["body", "feedbackResult", "feedbackMetadata", "feedback"]
    assert problems(response) == [(loc, "value_error")]
    assert ChatPrompt.objects.count() == 2


# Feedback.


def judge(caller, compared, number, feedback):
    return caller.patch(
        f"{URL}{compared['id']}/",
        {
            "feedbackResult": {
                "comparisonPromptResultId": compared["results"][number]["id"],
                "feedbackMetadata": feedback,
            }
        },
    )


def test_each_result_is_judged_on_its_own_by_every_member(api, vera_api, compare, alice, vera):
    compared = compare()
    answer(*ids_of(compared["results"]))

    def marks(response):
        assert response.status_code == 202, response.content
        found = [
            result["resultMetadata"]["feedbackResult"] for result in response.json()["results"]
        ]
        return [(one["positiveUserIds"], one["negativeUserIds"]) for one in found]

    assert marks(judge(api, compared, 0, {"feedback": "1"})) == [([alice.pk], []), ([], [])]
    assert marks(judge(vera_api, compared, 1, {"feedback": "0"})) == [
        ([alice.pk], []),
        ([], [vera.pk]),
    ]
    assert marks(judge(api, compared, 0, {"feedback": "0"}))[0] == ([], [alice.pk])
    assert marks(judge(api, compared, 0, {}))[0] == ([], [])
    assert marks(judge(vera_api, compared, 1, {"feedback": None}))[1] == ([], [])


@pytest.mark.parametrize(
    ("feedback", "loc", "kind"),
    [
        ({"comparisonPromptResultId": NOTHING}, ["feedbackMetadata"], "missing"),
        ({"feedbackMetadata": {}}, ["comparisonPromptResultId"], "missing"),
        (
            {"comparisonPromptResultId": NOTHING, "feedbackMetadata": {"feedback": "2"}},
            ["feedbackMetadata", "feedback"],
            "enum",
        ),
        ("up", [], "model_attributes_type"),
    ],
)
def test_wrong_feedback_is_refused(api, compare, feedback, loc, kind):
    response = api.patch(f"{URL}{compare()['id']}/", {"feedbackResult": feedback})

    assert problems(response) == [(["body", "feedbackResult", *loc], kind)]


def test_feedback_is_for_a_result_of_this_comparison(api, compare):
    first, second = compare(), compare()
    answer(*ids_of(first["results"]))

    response = judge(api, {"id": second["id"], "results": first["results"]}, 0, {"feedback": "1"})

    assert response.status_code == 404
    assert response.json() == {"detail": "Comparison prompt result not found."}


# Waiting and deleting.


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setattr(status_view, "HELD_SECONDS", 3600.0)
    monkeypatch.setattr(status_view, "_LOOK_AGAIN_SECONDS", 3600.0)


async def held(api: Api, path, meanwhile):
    """The answer of a status URL while `meanwhile()` happens. The listener ends with the loop."""
    headers = {"authorization": f"Bearer {api.token}"}
    try:
        async with asyncio.timeout(30):
            request = asyncio.create_task(AsyncClient().get(f"/api/v2/{path}", headers=headers))
            while not request.done() and not listener()._subscribers:
                await asyncio.sleep(0)
            await in_thread(meanwhile)
            return await request
    finally:
        await listener().stop()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("last", [Status.COMPLETED, Status.ERROR, Status.SKIPPED])
def test_it_is_done_the_moment_the_last_result_is_final(api, compare, patience, last):
    compared = compare()
    first, second = ids_of(compared["results"])
    answer(first)

    response = asyncio.run(
        held(api, f"genai/status/{compared['id']}/", lambda: answer(second, status=last))
    )

    assert response.status_code == 303
    path = f"/api/v2/{URL}{compared['id']}/"
    assert response["Location"] == f"http://testserver{path}"


@pytest.mark.django_db(transaction=True)
def test_it_is_not_done_before_that(api, compare, monkeypatch):
    monkeypatch.setattr(status_view, "HELD_SECONDS", 0.05)
    compared = compare()
    path = f"genai/status/{compared['id']}/"

    def status():
        body = json.loads(asyncio.run(held(api, path, lambda: None)).content)
        return body["status"], body["description"]

    assert status() == ("INITIALIZED", "Comparison prompt")
    answer(compared["results"][0]["id"])
    assert status() == ("RUNNING", "Comparison prompt")


@pytest.mark.django_db(transaction=True)
def test_a_comparison_deleted_meanwhile_was_aborted(api, compare, patience):
    compared = compare()
    path = f"genai/status/{compared['id']}/"

    response = asyncio.run(held(api, path, lambda: api.delete(f"{URL}{compared['id']}/")))

    assert json.loads(response.content)["status"] == "ABORTED"
    assert api.get(path).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_strangers_are_told_nothing_of_the_job(bob_api, compare):
    assert bob_api.get(f"genai/status/{compare()['id']}/").status_code == 404


def test_a_deleted_comparison_is_gone(api, three, comparison_chat):
    for compared in three[:2]:
        assert api.delete(f"{URL}{compared['id']}/").status_code == 204
        assert api.get(f"{URL}{compared['id']}/").status_code == 404
        assert api.delete(f"{URL}{compared['id']}/").status_code == 404

    assert list(ComparisonChat.objects.all()) == [comparison_chat]
    assert ChatPrompt.objects.count() == 2


def test_what_is_deleted_with_a_blueprint_is_its_result(api, three, saved, comparison_chat):
    assert api.delete(f"genai/llmBlueprints/{saved[1].pk}/").status_code == 204
    assert api.delete(f"genai/llmBlueprints/{saved[2].pk}/").status_code == 204

    found = api.get(URL, {"comparisonChatId": comparison_chat.pk}).json()["data"]
    assert [len(record["results"]) for record in found] == [1, 1]
    # The one that stood alone has nobody left to answer it.
    assert list(ComparisonChat.objects.all()) == [comparison_chat]


@pytest.mark.parametrize("what", ["genai/playgrounds/{playground}/", "useCases/{use_case}/"])
def test_a_deleted_playground_takes_its_comparisons_along(api, three, playground, use_case, what):
    path = what.format(playground=playground.pk, use_case=use_case.pk)

    assert api.delete(path).status_code == 204

    for model in (ComparisonChat, ComparisonPrompt, Chat, ChatPrompt):
        assert not model.objects.exists()


# Nowhere else.


def test_columns_are_no_chats(api, client, alice, three, saved, playground):
    column = Chat.objects.filter(comparison__isnull=False)[0]
    result = column.prompts.get()

    assert api.get("genai/chats/").json()["data"] == []
    assert api.get(f"genai/chats/{column.pk}/").status_code == 404
    assert api.patch(f"genai/chats/{column.pk}/", {"name": "a"}).status_code == 404
    assert api.delete(f"genai/chats/{column.pk}/").status_code == 404
    assert texts(api.get("genai/chatPrompts/")) == []
    for query in (
        {"playgroundId": playground.pk},
        {"chatId": column.pk},
        {"llmBlueprintId": column.blueprint_id},
    ):
        assert texts(api.get("genai/chatPrompts/", query)) == []
    assert api.get(f"genai/chatPrompts/{result.pk}/").status_code == 404
    assert api.delete(f"genai/chatPrompts/{result.pk}/").status_code == 404
    asked = api.post("genai/chatPrompts/", {"text": "a", "chatId": column.pk})
    assert asked.status_code == 404
    copied = api.post(
        "genai/llmBlueprints/fromChatPrompt/", {"chatPromptId": result.pk, "name": "a"}
    )
    assert copied.status_code == 404


def test_a_column_is_never_the_oldest_chat(api, three, saved):
    body = api.post("genai/chatPrompts/", {"text": "a", "llmBlueprintId": saved[0].pk}).json()

    assert Chat.objects.get(pk=body["chatId"]).comparison is None
    found = api.get("genai/chatPrompts/", {"llmBlueprintId": saved[0].pk}).json()["data"]
    assert [record["id"] for record in found] == [body["id"]]


def test_pages_show_no_columns(client, alice, three, playground, use_case):
    client.force_login(alice)
    column = Chat.objects.filter(comparison__isnull=False)[0]

    assert b"0 chats" in client.get("/").content
    assert b"0 chats" in client.get(f"/use-cases/{use_case.pk}/").content
    page = client.get(f"/playgrounds/{playground.pk}/?blueprint={column.blueprint_id}")
    assert page.status_code == 200
    assert column.pk.encode() not in page.content
    assert client.get(f"/chats/{column.pk}/").status_code == 404
    assert client.get(f"/prompts/{column.prompts.get().pk}/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_result_is_no_job_of_its_own(api, compare):
    compared = compare()
    result = compared["results"][0]["id"]
    answer(result)

    assert api.get(f"genai/status/{result}/").status_code == 404
