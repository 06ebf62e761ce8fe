"""Filters, pages and their links. The rules of all lists are tested on this one."""

import pytest
from django.utils import timezone

from config.api import paging
from config.status import Status
from playground import services
from playground.models import ChatPrompt
from tests.api.conftest import problems

URL = "genai/chatPrompts/"


def texts(response):
    assert response.status_code == 200, response.content
    return [record["text"] for record in response.json()["data"]]


@pytest.fixture
def two_chats(api, alice, playground, blueprint, chat):
    """One prompt in the oldest chat, two in a newer one, one in another blueprint's."""
    newer = services.create_chat(user=alice, playground=playground, blueprint=blueprint)
    other = services.copy_blueprint(blueprint, user=alice, playground=playground, name="Other")
    third = services.create_chat(user=alice, playground=playground, blueprint=other)
    for text, asked in [("a", chat), ("b", newer), ("c", third), ("d", newer)]:
        services.ask(user=alice, text=text, chat=asked)
    return newer


def test_without_a_filter_it_lists_all_in_the_order_of_asking(api, two_chats):
    assert texts(api.get(URL)) == ["a", "b", "c", "d"]


def test_prompts_of_one_moment_are_in_the_order_of_their_ids(api, two_chats):
    ChatPrompt.objects.update(created_at=timezone.now())

    listed = [one["id"] for one in api.get(URL).json()["data"]]

    assert listed == sorted(listed)


def test_it_filters_by_playground(api, two_chats, playground):
    assert len(texts(api.get(URL, {"playgroundId": playground.pk}))) == 4
    assert texts(api.get(URL, {"playgroundId": "0" * 24})) == []


def test_it_filters_by_chat(api, two_chats):
    assert texts(api.get(URL, {"chatId": two_chats.pk})) == ["b", "d"]


def test_a_blueprint_means_its_oldest_chat(api, two_chats, blueprint):
    assert texts(api.get(URL, {"llmBlueprintId": blueprint.pk})) == ["a"]


def test_filters_combine(api, two_chats, blueprint, chat):
    both = {"llmBlueprintId": blueprint.pk}
    assert texts(api.get(URL, both | {"chatId": two_chats.pk})) == []
    assert texts(api.get(URL, both | {"chatId": chat.pk})) == ["a"]


def test_strangers_see_none_of_it(bob_api, two_chats, playground):
    assert texts(bob_api.get(URL)) == []
    assert texts(bob_api.get(URL, {"chatId": two_chats.pk})) == []


@pytest.mark.parametrize("value", ["x", "", "0" * 24])
def test_a_filter_that_matches_nothing_gives_an_empty_list(api, two_chats, value):
    body = api.get(URL, {"chatId": value}).json()

    assert body == {"count": 0, "data": [], "next": None, "previous": None, "totalCount": 0}


def test_pages_link_to_each_other_and_keep_the_filters(api, two_chats, playground):
    page = api.get(URL, {"playgroundId": playground.pk, "limit": 2, "offset": 1}).json()

    assert [record["text"] for record in page["data"]] == ["b", "c"]
    assert (page["count"], page["totalCount"]) == (2, 4)
    start = f"http://testserver/api/v2/{URL}?playgroundId={playground.pk}"
    assert page["next"] == f"{start}&limit=2&offset=3"
    assert page["previous"] == f"{start}&limit=2&offset=0"


def test_following_next_visits_everything_once(api, two_chats):
    seen, url = [], f"{URL}?limit=1"
    while url:
        page = api.get(url).json()
        seen += [record["text"] for record in page["data"]]
        url = (page["next"] or "").removeprefix("http://testserver/api/v2/")
    assert seen == ["a", "b", "c", "d"]


def test_the_host_of_the_links_is_the_requests(api, two_chats):
    response = api.request("get", URL, query_params={"limit": 1}, HTTP_HOST="localhost:8123")

    assert response.json()["next"].startswith("http://localhost:8123/api/v2/")


def test_a_page_beyond_the_end_is_empty(api, two_chats):
    body = api.get(URL, {"offset": 1000}).json()

    assert (body["count"], body["data"], body["totalCount"]) == (0, [], 4)
    assert body["next"] is None


def test_a_limit_above_the_most_is_the_most(api, two_chats):
    assert len(texts(api.get(URL, {"limit": 2_000_000}))) == 4


@pytest.mark.parametrize(
    ("query", "loc", "kind"),
    [
        ({"limit": "0"}, ["query", "limit"], "greater_than_equal"),
        ({"limit": "-1"}, ["query", "limit"], "greater_than_equal"),
        ({"limit": "x"}, ["query", "limit"], "int_parsing"),
        ({"limit": ""}, ["query", "limit"], "int_parsing"),
        ({"limit": "1.5"}, ["query", "limit"], "int_parsing"),
        ({"limit": "9" * 5000}, ["query", "limit"], "int_parsing"),
        ({"offset": "-1"}, ["query", "offset"], "greater_than_equal"),
        ({"offset": "x"}, ["query", "offset"], "int_parsing"),
        ({"offset": str(2**31)}, ["query", "offset"], "less_than_equal"),
        ({"chatId": "a\x00"}, ["query", "chatId"], "value_error"),
    ],
)
def test_a_wrong_query_is_refused(api, llm, query, loc, kind):
    assert problems(api.get(URL, query)) == [(loc, kind)]


def test_a_list_takes_as_many_queries_for_many_as_for_few(
    api, alice, chat, vera, django_assert_num_queries
):
    for number in range(5):
        prompt = services.ask(user=alice, text=str(number), chat=chat)
        prompt.feedback.create(user=vera, is_positive=True)
    api.get(URL)  # the first use of a token is noted

    # token, count, ids of the page, its prompts, their feedback
    with django_assert_num_queries(4):
        api.get(URL, {"limit": 1})
    with django_assert_num_queries(4):
        api.get(URL)


def test_a_listed_prompt_is_what_is_read_of_it_alone(api, alice, chat, vera):
    for is_positive in (True, False):
        prompt = services.ask(user=alice, text="?", chat=chat)
        prompt.feedback.create(user=vera, is_positive=is_positive)
        prompt.feedback.create(user=alice, is_positive=True)
    ChatPrompt.objects.update(status=Status.COMPLETED)
    ChatPrompt.objects.filter(pk=prompt.pk).update(metrics=[{"name": "latency", "value": 1}])

    listed = api.get(URL).json()["data"]

    assert [len(one["resultMetadata"]["metrics"]) for one in listed] == [0, 1]
    for one in listed:
        assert one == api.get(f"{URL}{one['id']}/").json()


def test_pages_far_from_the_start_are_of_the_same_order(api, two_chats, playground, monkeypatch):
    url = "genai/chats/"
    near = [chat["id"] for chat in api.get(url, {"offset": 1, "limit": 1}).json()["data"]]
    monkeypatch.setattr(paging, "_FAR", 1)

    far = [chat["id"] for chat in api.get(url, {"offset": 1, "limit": 1}).json()["data"]]

    assert far == near
    assert len(far) == 1
    assert api.get(url, {"offset": 9}).json()["data"] == []
