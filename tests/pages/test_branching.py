"""Other ways on from a question: versions of its answer, and branches of its chat."""

import pytest
from django.urls import reverse

from config.status import Status
from playground.models import Chat, ChatPrompt
from tests.pages.conftest import HTMX


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


def regenerated(signed_in, prompt: ChatPrompt) -> ChatPrompt:
    """The next version of the prompt's answer, answered."""
    signed_in.post(reverse("playground:prompt-regenerate", args=[prompt.pk]))
    again = ChatPrompt.objects.latest("created_at")
    ChatPrompt.objects.filter(pk=again.pk).update(
        status=Status.COMPLETED, result_text="Sixty days.", finished_at=again.created_at
    )
    again.refresh_from_db()
    return again


def asked(chat: Chat, text: str) -> ChatPrompt:
    """A question of the chat that was answered already."""
    first = chat.prompts.earliest("created_at")
    return ChatPrompt.objects.create(
        chat=chat,
        text=text,
        context_id=first.context_id,
        prompt_type=first.prompt_type,
        status=Status.COMPLETED,
        result_text="As before.",
        history_ids=[first.pk],
        llm_id=first.llm_id,
        created_by=first.created_by,
    )


def page_of(signed_in, chat: Chat, query: str = "") -> str:
    content: str = signed_in.get(f"/chats/{chat.pk}/{query}").content.decode()
    return content


def test_another_answer_takes_the_place_of_the_first_which_stays_reachable(signed_in, world):
    second = regenerated(signed_in, world.prompt)

    page = page_of(signed_in, world.chat)
    assert page.count('<article class="turn') == 1
    assert "Sixty days." in page
    assert "2 of 2" in page
    assert f'hx-get="/prompts/{world.prompt.pk}/"' in page
    old = signed_in.get(f"/prompts/{world.prompt.pk}/", headers=HTMX).content.decode()
    assert "1 of 2" in old
    assert "Thirty days" in old
    assert f'hx-get="/prompts/{second.pk}/"' in old


def test_without_scripts_an_earlier_answer_has_an_address_of_its_own(signed_in, world):
    regenerated(signed_in, world.prompt)

    response = signed_in.get(f"/prompts/{world.prompt.pk}/")

    where = f"/chats/{world.chat.pk}/?shown={world.prompt.pk}"
    assert response.headers["Location"] == f"{where}#prompt-{world.prompt.pk}"
    page = signed_in.get(where).content.decode()
    assert "Thirty days" in page
    assert "Sixty days." not in page


def test_a_third_answer_follows_from_whichever_is_shown(signed_in, world):
    regenerated(signed_in, world.prompt)
    world.prompt.refresh_from_db()

    third = regenerated(signed_in, world.prompt)

    assert "3 of 3" in page_of(signed_in, world.chat)
    current = ChatPrompt.objects.current()
    assert [prompt.pk for prompt in current] == [third.pk]


def test_the_new_answer_replaces_any_version_on_the_page(signed_in, world):
    url = reverse("playground:prompt-regenerate", args=[world.prompt.pk])

    response = signed_in.post(url, headers=HTMX)

    assert response.headers["HX-Reswap"] == "outerHTML"
    assert response.headers["HX-Retarget"] == f'[data-question="{world.prompt.pk}"]'
    assert f'data-question="{world.prompt.pk}"' in response.content.decode()


def test_a_question_that_others_followed_is_not_answered_anew(signed_in, world):
    asked(world.chat, "And then?")

    response = signed_in.post(
        reverse("playground:prompt-regenerate", args=[world.prompt.pk]), headers=HTMX
    )

    assert response.status_code == 409
    assert "Other questions followed" in response.content.decode()
    assert ChatPrompt.objects.count() == 2
    assert not ChatPrompt.objects.exclude(question_id="").exists()


def test_a_running_answer_is_not_answered_anew(signed_in, world):
    ChatPrompt.objects.update(status=Status.RUNNING)

    for name in ("prompt-regenerate", "prompt-branch"):
        url = reverse(f"playground:{name}", args=[world.prompt.pk])
        assert signed_in.post(url).status_code == 409
    assert ChatPrompt.objects.count() == 1
    assert Chat.objects.count() == 1


def test_when_the_newest_answer_is_deleted_the_one_before_stands_again(signed_in, world):
    second = regenerated(signed_in, world.prompt)

    signed_in.post(reverse("playground:prompt-delete", args=[second.pk]))

    page = page_of(signed_in, world.chat)
    assert "Thirty days" in page
    assert "of 2" not in page
    assert "of 1" not in page


def test_when_an_earlier_answer_is_deleted_the_newest_stays(signed_in, world):
    second = regenerated(signed_in, world.prompt)

    signed_in.post(reverse("playground:prompt-delete", args=[world.prompt.pk]))

    assert [prompt.pk for prompt in ChatPrompt.objects.current()] == [second.pk]


def test_a_branch_begins_with_copies_and_says_where_it_is_from(signed_in, world):
    second = asked(world.chat, "And for gifts?")
    asked(world.chat, "Not in the branch")
    Chat.objects.filter(pk=world.chat.pk).update(metadata_filter={"lang": "en"})

    response = signed_in.post(reverse("playground:prompt-branch", args=[second.pk]))

    branch = Chat.objects.exclude(pk=world.chat.pk).get()
    assert response.headers["Location"] == f"/chats/{branch.pk}/"
    first_copy, second_copy = branch.prompts.all()
    assert (first_copy.text, second_copy.text) == (world.prompt.text, "And for gifts?")
    assert (first_copy.copy_of, second_copy.copy_of) == (world.prompt.pk, second.pk)
    assert first_copy.citations == world.prompt.citations
    assert first_copy.created_at == world.prompt.created_at
    assert second_copy.history_ids == [first_copy.pk]
    assert second_copy.context_id == first_copy.context_id != world.prompt.context_id
    assert branch.metadata_filter == {"lang": "en"}
    page = page_of(signed_in, branch)
    assert f'Branched from <a class="link" href="/chats/{world.chat.pk}/"' in page
    assert page.index("And for gifts?</h2>") < page.index("Branched from")
    assert f"/traces/{world.log.pk}/" in page


def test_a_branch_outlives_its_origin(signed_in, world):
    signed_in.post(reverse("playground:prompt-branch", args=[world.prompt.pk]))
    branch = Chat.objects.exclude(pk=world.chat.pk).get()

    signed_in.post(reverse("playground:chat-delete", args=[world.chat.pk]))

    page = page_of(signed_in, branch)
    assert "Thirty days" in page
    assert "Branched from a chat that was deleted since" in page


def test_a_branch_of_a_branch_knows_the_first_question(signed_in, world):
    signed_in.post(reverse("playground:prompt-branch", args=[world.prompt.pk]))
    first = Chat.objects.exclude(pk=world.chat.pk).get()
    signed_in.post(reverse("playground:prompt-branch", args=[first.prompts.get().pk]))

    second = Chat.objects.latest("created_at")
    assert second.prompts.get().copy_of == world.prompt.pk
    assert second.origin == first


def test_copies_are_not_traced_twice(signed_in, world):
    from playground.traces import people_and_places, traces_in

    signed_in.post(reverse("playground:prompt-branch", args=[world.prompt.pk]))

    assert [prompt.pk for prompt in traces_in(world.playground)] == [world.prompt.pk]
    assert [one["id"] for one in people_and_places(world.playground)["chats"]] == [world.chat.pk]


def test_an_edited_question_is_asked_in_a_branch_and_the_old_chat_stays(signed_in, world):
    second = asked(world.chat, "And for gifts?")
    url = reverse("playground:prompt-edit", args=[second.pk])
    assert "And for gifts?</textarea>" in signed_in.get(url, headers=HTMX).content.decode()

    response = signed_in.post(url, {"text": "And for vouchers?\r\nReally"})

    branch = Chat.objects.exclude(pk=world.chat.pk).get()
    assert response.headers["Location"] == f"/chats/{branch.pk}/"
    copy, edited = branch.prompts.all()
    assert copy.copy_of == world.prompt.pk
    assert (edited.text, edited.status) == ("And for vouchers?\nReally", Status.NEW)
    assert edited.context_id == copy.context_id
    assert branch.name == "And for vouchers?"
    assert world.chat.prompts.count() == 2


def test_the_first_question_is_edited_into_a_chat_with_nothing_before(signed_in, world):
    url = reverse("playground:prompt-edit", args=[world.prompt.pk])

    signed_in.post(url, {"text": "How short?"})

    branch = Chat.objects.exclude(pk=world.chat.pk).get()
    assert [prompt.text for prompt in branch.prompts.all()] == ["How short?"]
    page = page_of(signed_in, branch)
    assert page.index("Branched from") < page.index("How short?</h2>")


@pytest.mark.parametrize("text", ["", "   ", "x" * 500_001, "a\x00b"])
def test_an_edit_that_cannot_be_asked_makes_no_branch(signed_in, world, text):
    url = reverse("playground:prompt-edit", args=[world.prompt.pk])

    response = signed_in.post(url, {"text": text})

    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert Chat.objects.count() == 1


def test_a_branch_costs_the_same_whatever_its_length(
    signed_in, world, django_assert_max_num_queries
):
    for number in range(30):
        asked(world.chat, f"Question {number}")
    last = world.chat.prompts.newest()

    with django_assert_max_num_queries(30):
        signed_in.post(reverse("playground:prompt-branch", args=[last.pk]))
    assert Chat.objects.latest("created_at").prompts.count() == 31


def test_viewers_have_no_way_to_branch(client, vera, world):
    client.force_login(vera)

    page = client.get(f"/chats/{world.chat.pk}/").content.decode()

    for words in ("Branch from here", "Edit and ask again", "Regenerate"):
        assert words not in page
