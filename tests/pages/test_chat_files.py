"""Chats found again by what was said in them, and kept as files."""

import json

import pytest
from django.db import connection
from django.urls import reverse

from accounts import services as accounts
from config.errors import InvalidInput
from playground import services
from playground.chat import search as chat_search
from playground.models import Chat, ChatPrompt


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


def search(client, world, query: str) -> str:
    url = reverse("playground:chat-search", args=[world.use_case.pk])
    content: str = client.get(url, {"q": query}).content.decode()
    return content


@pytest.mark.parametrize(
    ("query", "marked"),
    [("how LONG", "How long"), ("thirty", "Thirty"), ("days [1]", "days [1]")],
)
def test_titles_questions_and_answers_are_found(signed_in, world, query, marked):
    page = search(signed_in, world, query)

    assert f"<mark>{marked}</mark>" in page
    assert f"/chats/{world.chat.pk}/" in page
    assert f"#prompt-{world.prompt.pk}" in page


def test_a_title_alone_leads_to_the_chat(signed_in, world):
    services.rename_chat(world.chat, user=world.chat.created_by, name="Patience")

    page = search(signed_in, world, "patience")

    assert "<mark>Patience</mark>" in page
    assert "#prompt-" not in page


@pytest.mark.parametrize("query", ["%", "_", "100%", "\\", "nothing of it", "\x00zz", "<b>"])
def test_what_is_not_there_is_not_found(signed_in, world, query):
    page = search(signed_in, world, query)

    assert "Nothing found" in page
    assert "<b>" not in page


def test_before_a_search_the_page_says_what_it_looks_through(signed_in, world):
    assert "their titles, their questions and their answers" in search(signed_in, world, " ")


def test_chats_of_other_use_cases_are_not_found(signed_in, world, alice):
    other = accounts.create_use_case(user=alice, name="Other")
    url = reverse("playground:chat-search", args=[other.pk])

    assert "Nothing found" in signed_in.get(url, {"q": "thirty"}).content.decode()


def test_an_earlier_version_is_found_where_it_is_shown(signed_in, world):
    ChatPrompt.objects.update(question_id="a" * 24, is_superseded=True)

    assert f"?shown={world.prompt.pk}#prompt" in search(signed_in, world, "thirty")


def test_copies_in_branches_are_found_once(signed_in, world):
    services.branch(world.prompt, user=world.chat.created_by)

    page = search(signed_in, world, "thirty")

    assert page.count("<mark>Thirty</mark>") == 1


def test_a_search_that_takes_too_long_says_so(world, monkeypatch):
    monkeypatch.setattr(chat_search, "_LONGEST_SEARCH", "1ms")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE playground_chatprompt SET result_text = repeat('no match here ', 4000000)"
        )

    with pytest.raises(InvalidInput, match="rarer"):
        chat_search.search_chats(world.use_case, "something")


def export(client, chat: Chat, kind: str = ""):
    return client.get(reverse("playground:chat-export", args=[chat.pk]), {"as": kind})


def test_a_chat_is_kept_as_markdown(signed_in, world):
    response = export(signed_in, world.chat)

    assert response.headers["Content-Type"].startswith("text/markdown")
    assert (
        response.headers["Content-Disposition"] == 'attachment; filename="how-long-may-i-wait.md"'
    )
    text = response.content.decode()
    assert text.startswith("# How long may I wait?\n\nRefund bot · Baseline · ")
    assert "## How long may I wait?\n\nThirty days [1].\n\n" in text
    assert "- [1] **returns.md**, p. 4: Within thirty days of delivery.\n" in text


def test_a_chat_is_kept_as_json(signed_in, world):
    response = export(signed_in, world.chat, "json")

    assert response.headers["Content-Disposition"].endswith('.json"')
    data = json.loads(response.content)
    assert data["blueprint"] == "Baseline"
    [prompt] = data["prompts"]
    assert (prompt["question"], prompt["answer"]) == ("How long may I wait?", "Thirty days [1].")
    assert prompt["citations"][0]["source"] == "returns.md"
    assert prompt["cost"] == "0.00030000"


def test_what_has_no_answer_says_why(signed_in, world):
    ChatPrompt.objects.update(
        status="ERROR", result_text="", error_message="The LLM refused.", citations=[]
    )
    assert "*The LLM refused.*" in export(signed_in, world.chat).content.decode()
    ChatPrompt.objects.update(status="RUNNING", error_message="", metadata_filter={"lang": "en"})
    text = export(signed_in, world.chat).content.decode()
    assert "*Not answered yet.*" in text
    assert "Searched where lang = en." in text


def test_a_name_that_makes_no_file_name_is_replaced(signed_in, world):
    Chat.objects.update(name='"/../\r\n')

    response = export(signed_in, world.chat)

    assert response.headers["Content-Disposition"] == 'attachment; filename="chat.md"'


def test_only_the_newest_version_of_an_answer_is_kept(signed_in, world):
    ChatPrompt.objects.update(question_id="a" * 24, is_superseded=True)

    assert json.loads(export(signed_in, world.chat, "json").content)["prompts"] == []


def test_viewers_may_keep_what_they_may_read(client, vera, world):
    client.force_login(vera)

    assert export(client, world.chat).status_code == 200
    assert "Thirty" in search(client, world, "thirty")


def test_a_shared_link_opens_the_chat_to_read(client, vera, world):
    client.force_login(vera)

    page = client.get(reverse("playground:chat-read", args=[world.chat.pk])).content.decode()

    assert "How long may I wait?</h2>" in page
    assert "Thirty days" in page
    assert "Open the chat" not in page
    for control in ("composer", "Save as defaults", "Regenerate", "Edit and ask again", "Delete"):
        assert control not in page


def test_to_editors_too_it_is_only_to_read_and_leads_to_the_chat(signed_in, world):
    page = signed_in.get(reverse("playground:chat-read", args=[world.chat.pk])).content.decode()

    assert "Regenerate" not in page
    assert f'href="/chats/{world.chat.pk}/">Open the chat' in page


def test_a_chat_without_questions_can_be_read_too(signed_in, world):
    ChatPrompt.objects.all().delete()

    page = signed_in.get(reverse("playground:chat-read", args=[world.chat.pk])).content.decode()

    assert "Nothing was asked in this chat yet" in page


@pytest.mark.parametrize("headers", [{}, {"hx-request": "true"}])
def test_the_link_says_who_may_open_it(signed_in, vera, world, headers):
    url = reverse("playground:chat-share", args=[world.chat.pk])

    page = signed_in.get(url, headers=headers).content.decode()

    assert f'value="http://testserver/chats/{world.chat.pk}/read/"' in page
    assert "the 2 members of “Support”" in page
    assert ("<html" in page) is (not headers)
