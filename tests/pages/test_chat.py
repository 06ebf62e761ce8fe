import re
from datetime import timedelta

import pytest
from django.urls import reverse

from blueprints.models import Blueprint
from config.status import Status
from playground import services
from playground.models import Chat, ChatPrompt, Feedback, Playground
from tests.pages.conftest import HTMX
from vectordb.models import VectorDatabase


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


def panel(**changes):
    """What the settings panel sends when nothing but `changes` was touched."""
    unchanged = {"llm_id": "extractive", "vector_database_id": "", "prompt_type": "on"}
    return {**unchanged, **changes}


def test_the_page_shows_question_answer_citation_source_and_figures(signed_in, world):
    page = signed_in.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()

    assert "How long may I wait?</h2>" in page
    assert f'href="/prompts/{world.prompt.pk}/sources/1/" data-cite="1"' in page
    assert "returns.md · p. 4" in page
    assert "Returns &gt; Deadlines</small>" in page
    assert '<meter class="bar" min="0" max="1" value="0.910"' in page
    for figure in ("1.24 s", "1,812 → 96 tokens", "$0.00030", f"/traces/{world.log.pk}/"):
        assert figure in page
    assert f"?chat={world.chat.pk}" in page


def test_a_playground_opens_the_newest_chat_of_its_first_blueprint(signed_in, world):
    response = signed_in.get(reverse("playground:playground-detail", args=[world.playground.pk]))

    assert response.headers["Location"] == f"/chats/{world.chat.pk}/"


def test_a_new_chat_begins_with_its_first_question(signed_in, world):
    playground = reverse("playground:playground-detail", args=[world.playground.pk])
    page = signed_in.get(f"{playground}?blueprint={world.blueprint.pk}&new").content.decode()
    assert "New chat" in page

    url = reverse("playground:playground-ask", args=[world.playground.pk])
    response = signed_in.post(url, {"blueprint": world.blueprint.pk, "text": "And a gift?"})

    chat = Chat.objects.exclude(pk=world.chat.pk).get()
    assert response.headers["Location"] == f"/chats/{chat.pk}/"
    assert chat.name == "And a gift?"
    assert chat.prompts.get().status == Status.NEW


@pytest.mark.parametrize("text", ["", "\x00", "x" * 500_001])
def test_a_question_that_cannot_be_put_leaves_nothing_behind(signed_in, world, text):
    chats = Chat.objects.count()
    url = reverse("playground:playground-ask", args=[world.playground.pk])

    response = signed_in.post(url, {"blueprint": world.blueprint.pk, "text": text})

    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert (Chat.objects.count(), ChatPrompt.objects.count()) == (chats, 1)


def test_asking_with_htmx_returns_the_question_alone(signed_in, world):
    url = reverse("playground:chat-ask", args=[world.chat.pk])

    response = signed_in.post(url, {"text": "First line\r\nsecond"}, headers=HTMX)

    prompt = ChatPrompt.objects.latest("created_at")
    assert prompt.text == "First line\nsecond"
    page = response.content.decode()
    assert f'id="prompt-{prompt.pk}"' in page
    assert "data-unfinished" in page
    assert "searching Book" in page
    assert "<html" not in page


def test_asking_without_scripts_leads_back_to_the_chat(signed_in, world):
    url = reverse("playground:chat-ask", args=[world.chat.pk])

    response = signed_in.post(url, {"text": "Again?"})

    prompt = ChatPrompt.objects.latest("created_at")
    assert response.headers["Location"] == f"/chats/{world.chat.pk}/#prompt-{prompt.pk}"


def test_a_refused_question_is_said_at_the_composer(signed_in, world):
    VectorDatabase.objects.update(status=Status.RUNNING)
    url = reverse("playground:chat-ask", args=[world.chat.pk])

    response = signed_in.post(url, {"text": "Now?"}, headers=HTMX)

    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == "#ask-errors"
    assert "is not ready" in response.content.decode()
    whole = signed_in.post(url, {"text": "Keep this text"})
    assert whole.status_code == 422
    assert "Keep this text</textarea>" in whole.content.decode()


def test_a_changed_setting_is_the_chats_own_until_reset(signed_in, world):
    url = reverse("playground:chat-settings", args=[world.chat.pk])
    data = panel(vector_database_id=world.database.pk, temperature="0.2", max_tokens="2048")

    response = signed_in.post(url, data, headers=HTMX)

    chat = Chat.objects.get(pk=world.chat.pk)
    assert 'data-changed="' in response.content.decode()
    settings = services.effective_settings(chat)
    assert settings.llm_settings.temperature == 0.2
    assert settings.retrieval_settings.max_tokens == 2048
    assert Blueprint.objects.get().current.llm_parameters.temperature is None
    signed_in.post(reverse("playground:chat-settings-reset", args=[world.chat.pk]))
    chat.refresh_from_db()
    assert services.effective_settings(chat).llm_settings.temperature is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", "0"),
        ("max_tokens", "51201"),
        ("max_documents_retrieved_per_prompt", "11"),
        ("temperature", "2.1"),
        ("top_p", "-0.1"),
        ("max_completion_length", "0"),
        ("llm_id", "gone"),
        ("vector_database_id", "f" * 24),
        ("vector_database_id", ""),
        ("temperature", "warm"),
        ("search_mode", "bm25"),
        ("similarity_threshold", "1.01"),
        ("similarity_threshold", "-0.1"),
    ],
)
def test_an_impossible_setting_is_refused_at_its_field(signed_in, world, field, value):
    url = reverse("playground:chat-settings", args=[world.chat.pk])

    response = signed_in.post(url, panel(**{field: value}), headers=HTMX)

    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == "#settings"
    assert 'class="errorlist"' in response.content.decode()
    world.chat.refresh_from_db()
    assert world.chat.llm_settings is None
    assert world.chat.retrieval_settings is None


def test_how_chunks_are_searched_for_is_chosen_and_kept(signed_in, world):
    url = reverse("playground:chat-settings", args=[world.chat.pk])
    usual = panel(vector_database_id=world.database.pk)

    signed_in.post(url, usual | {"search_mode": "keyword"})
    world.chat.refresh_from_db()
    page = signed_in.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()
    signed_in.post(url, usual | {"temperature": "0.7"})
    world.chat.refresh_from_db()

    assert services.effective_settings(world.chat).retrieval_settings.search_mode == "keyword"
    assert '<option value="keyword" selected>By words</option>' in page


def test_the_use_of_history_is_changed_for_the_blueprint(signed_in, world):
    url = reverse("playground:chat-settings", args=[world.chat.pk])
    data = panel(vector_database_id=world.database.pk)
    del data["prompt_type"]

    signed_in.post(url, data)

    assert Blueprint.objects.get().current.prompt_type == "ONE_TIME_PROMPT"


def test_saving_makes_a_version_and_copying_a_blueprint(signed_in, world):
    chat = world.chat
    data = panel(vector_database_id=world.database.pk, temperature="0.5")
    signed_in.post(reverse("playground:chat-settings", args=[chat.pk]), data)

    copied = signed_in.post(
        reverse("playground:chat-settings-copy", args=[chat.pk]), {"name": "Warmer"}
    )
    signed_in.post(reverse("playground:chat-settings-save", args=[chat.pk]))

    world.blueprint.refresh_from_db()
    assert world.blueprint.current.number == 2
    assert world.blueprint.current.llm_parameters.temperature == 0.5
    copy = Blueprint.objects.get(name="Warmer")
    assert copy.current.llm_parameters.temperature == 0.5
    assert copied.headers["Location"].endswith(f"?blueprint={copy.pk}")


def test_changing_a_setting_first_begins_the_chat(signed_in, world):
    url = reverse("playground:chat-create", args=[world.playground.pk])
    data = panel(
        blueprint=world.blueprint.pk, vector_database_id=world.database.pk, temperature="1"
    )

    signed_in.post(url, data)

    chat = Chat.objects.exclude(pk=world.chat.pk).get()
    assert services.effective_settings(chat).llm_settings.temperature == 1


def test_chats_are_renamed_and_deleted(signed_in, world):
    signed_in.post(reverse("playground:chat-rename", args=[world.chat.pk]), {"name": "Waiting"})
    world.chat.refresh_from_db()
    assert world.chat.name == "Waiting"
    confirmation = signed_in.get(reverse("playground:chat-delete", args=[world.chat.pk]))
    assert "Waiting" in confirmation.content.decode()
    assert Chat.objects.exists()
    signed_in.post(reverse("playground:chat-delete", args=[world.chat.pk]))
    assert not Chat.objects.exists()


def test_blueprints_are_made_changed_and_removed(signed_in, world):
    playground = world.playground
    new = reverse("playground:blueprint-create", args=[playground.pk])
    assert f'value="{world.database.pk}" selected' in signed_in.get(new).content.decode()
    assert signed_in.post(new, panel(name="")).status_code == 422

    signed_in.post(new, panel(name="Bare", top_p="0.5"))
    blueprint = Blueprint.objects.get(name="Bare")
    keys = [playground.pk, blueprint.pk]
    signed_in.post(
        reverse("playground:blueprint-edit", args=keys), panel(name="Barer", top_p="0.9")
    )
    blueprint.refresh_from_db()
    assert (blueprint.name, blueprint.current.llm_parameters.top_p) == ("Barer", 0.9)
    signed_in.post(reverse("playground:blueprint-remove", args=keys))
    assert not Blueprint.objects.filter(pk=blueprint.pk).exists()


def ask_often(world, times: int, **more: str) -> None:
    """Copies of the question in its chat, older than it, the last one the oldest."""
    prompt = ChatPrompt.objects.get(pk=world.prompt.pk)
    for number in range(times):
        prompt.pk = f"{times - number:024x}"
        prompt.text = f"Older {number}?"
        prompt.log = None
        prompt._state.adding = True
        prompt.save()
        at = world.prompt.created_at - timedelta(minutes=1 + number)
        ChatPrompt.objects.filter(pk=prompt.pk).update(created_at=at, **more)


def questions_on(page: str) -> list[str]:
    return re.findall(r'<h2 class="ask"[^>]*>(.*?)</h2>', page)


@pytest.mark.parametrize("name", ["chat-detail", "chat-read"])
def test_questions_are_shown_by_dozens_from_the_newest_back(signed_in, world, name):
    ask_often(world, 29)
    url = reverse(f"playground:{name}", args=[world.chat.pk])
    seen: list[str] = []
    pages = []
    query = "?"

    while query:
        pages.append(signed_in.get(url + query).content.decode())
        seen += reversed(questions_on(pages[-1]))
        query = "".join(re.findall(r'id="earlier"><a class="link" href="([^"]+)"', pages[-1]))

    assert seen == [world.prompt.text, *(f"Older {number}?" for number in range(29))]
    assert [len(questions_on(page)) for page in pages] == [12, 12, 6]
    assert ["Go to the newest" in page for page in pages] == [False, True, True]


def test_earlier_questions_are_for_reading(signed_in, world):
    ask_often(world, 13)
    url = reverse("playground:chat-detail", args=[world.chat.pk])

    page = signed_in.get(f"{url}?before={world.prompt.pk}").content.decode()

    assert 'id="composer"' not in page
    assert "data-events=" not in page
    assert 'id="composer"' in signed_in.get(url).content.decode()


@pytest.mark.parametrize("before", ["", "nothing", "0" * 24, "\x00"])
def test_before_what_is_not_of_the_chat_there_is_nothing(signed_in, world, before):
    url = reverse("playground:chat-detail", args=[world.chat.pk])

    assert signed_in.get(url, {"before": before}).status_code == 404


def test_a_branch_tells_where_it_begins_once_however_many_pages_it_has(signed_in, world):
    """The thirteenth question from the end is the last that was copied."""
    ask_often(world, 29)
    older = ChatPrompt.objects.filter(text__startswith="Older").order_by("-created_at")
    older.filter(pk__in=[prompt.pk for prompt in older[11:]]).update(copy_of=world.prompt.pk)
    origin = Chat.objects.create(
        playground=world.playground,
        blueprint=world.blueprint,
        name="Where it began",
        created_by=world.chat.created_by,
    )
    Chat.objects.filter(pk=world.chat.pk).update(origin=origin)
    url = reverse("playground:chat-detail", args=[world.chat.pk])
    newest, middle, oldest = (
        signed_in.get(url + query).content.decode()
        for query in ("", f"?before={older[10].pk}", f"?before={older[22].pk}")
    )

    assert ["Branched from" in page for page in (newest, middle, oldest)] == [False, True, False]
    assert middle.index("Older 11?</h2>") < middle.index("Branched from")
    assert "Older 10?" not in middle


def test_the_page_costs_the_same_whatever_the_number_of_questions(
    signed_in, world, django_assert_max_num_queries
):
    prompt = world.prompt
    for number in range(20):
        prompt.pk = f"{number:024x}"
        prompt.log = None
        prompt._state.adding = True
        prompt.save()

    with django_assert_max_num_queries(26):
        signed_in.get(reverse("playground:chat-detail", args=[world.chat.pk]))


def test_thumbs_are_per_reader_changeable_and_removable(signed_in, world, vera):
    url = reverse("playground:prompt-feedback", args=[world.prompt.pk])

    fragment = signed_in.post(url, {"thumb": "up"}, headers=HTMX).content.decode()
    assert 'value="none" aria-pressed="true" aria-label="Good answer"' in fragment
    signed_in.post(url, {"thumb": "down"})
    assert Feedback.objects.get().is_positive is False
    signed_in.force_login(vera)
    page = signed_in.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()
    assert 'aria-pressed="true"' not in page
    signed_in.post(url, {"thumb": "up"})
    assert Feedback.objects.count() == 2
    signed_in.post(url, {"thumb": "none"})
    assert Feedback.objects.get().user != vera


def test_a_failed_answer_starts_over_in_its_place_and_an_answered_question_does_not(
    signed_in, world
):
    url = reverse("playground:prompt-retry", args=[world.prompt.pk])

    assert signed_in.post(url, headers=HTMX).status_code == 409
    ChatPrompt.objects.filter(pk=world.prompt.pk).update(
        status=Status.ERROR, error_message="The LLM refused: check the key."
    )
    page = signed_in.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()
    assert "The LLM refused: check the key." in page
    over = signed_in.post(url, headers=HTMX)
    assert over.headers["HX-Retarget"] == f"#prompt-{world.prompt.pk}"
    assert ChatPrompt.objects.get().status == Status.NEW


def test_a_running_answer_can_be_stopped_but_not_retried(signed_in, world):
    ChatPrompt.objects.update(status=Status.RUNNING, result_text="So far")
    stop = reverse("playground:prompt-stop", args=[world.prompt.pk])

    fragment = signed_in.get(
        reverse("playground:prompt-detail", args=[world.prompt.pk]), headers=HTMX
    ).content.decode()
    assert "So far" in fragment
    assert "data-unfinished" in fragment
    assert signed_in.post(stop, headers=HTMX).status_code == 204
    assert ChatPrompt.objects.get().stop_requested
    retry = signed_in.post(reverse("playground:prompt-retry", args=[world.prompt.pk]))
    assert retry.status_code == 409


def test_a_citation_opens_alone_and_as_a_page(signed_in, world):
    url = reverse("playground:citation-detail", args=[world.prompt.pk, 1])

    alone = signed_in.get(url, headers=HTMX).content.decode()
    page = signed_in.get(url).content.decode()

    for text in (alone, page):
        assert '<mark id="passage">Within thirty days of delivery.</mark>' in text
        assert "p. 4" in text
        assert "Returns &gt; Deadlines" in text
    assert "<html" not in alone
    missing = reverse("playground:citation-detail", args=[world.prompt.pk, 2])
    assert signed_in.get(missing).status_code == 404


def test_beside_its_number_a_citation_is_shown_alone(signed_in, world):
    url = reverse("playground:citation-detail", args=[world.prompt.pk, 1])

    brief = signed_in.get(f"{url}?brief", headers=HTMX).content.decode()

    assert "returns.md · p. 4" in brief
    assert "Within thirty days of delivery." in brief
    assert "<html" not in brief
    missing = reverse("playground:citation-detail", args=[world.prompt.pk, 2])
    assert signed_in.get(f"{missing}?brief").status_code == 404


def test_a_question_is_deleted(signed_in, world):
    signed_in.post(reverse("playground:prompt-delete", args=[world.prompt.pk]))

    assert not ChatPrompt.objects.exists()


def test_an_empty_playground_says_how_to_begin(signed_in, world, alice):
    url = reverse("playground:playground-create", args=[world.use_case.pk])
    signed_in.post(url, {"name": "Second"})
    playground = Playground.objects.get(name="Second")

    page = signed_in.get(reverse("playground:playground-detail", args=[playground.pk]))

    assert "Make the first blueprint" in page.content.decode()


def growing(client, world, **data):
    url = reverse("playground:prompt-growing", args=[world.prompt.pk])
    return client.post(url, {"passages": "2", **data})


def test_what_is_settled_of_a_growing_answer_comes_rendered(signed_in, world):
    settled = growing(signed_in, world, text="Yes 😀 **so** [1].\n\nMore\n").json()

    assert settled == {
        "length": len("Yes 😀 **so** [1].\n\n") + 1,
        "html": '<p>Yes 😀 <strong>so</strong> <span class="cite">1</span>.</p>\n',
    }
    assert growing(signed_in, world, text="Not yet\n").json() == {"length": 0, "html": ""}


@pytest.mark.parametrize(
    "bad", [{"text": ""}, {"text": "x" * 200_001}, {"text": "x", "passages": "-1"}]
)
def test_what_is_no_growing_answer_is_refused(signed_in, world, bad):
    assert growing(signed_in, world, **bad).status_code == 422


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        # The newest page holds it: question 0 is "How long may I wait?", then the older ones.
        (10, [*range(10, -1, -1)]),
        # Three of those that followed it come along.
        (11, [*range(19, 7, -1)]),
        (29, [29, 28, 27, 26]),
    ],
)
def test_a_question_is_shown_on_the_page_that_holds_it(signed_in, world, number, shown):
    ask_often(world, 30)
    wanted = ChatPrompt.objects.get(text=f"Older {number}?")

    response = signed_in.get(f"/prompts/{wanted.pk}/")
    address = response.headers["Location"]
    page = signed_in.get(address.split("#")[0]).content.decode()

    assert address.endswith(f"#prompt-{wanted.pk}")
    asked = re.findall(r"<h2 class=\"ask\"[^>]*>Older (\d+)\?", page)
    assert [int(one) for one in asked] == shown
    assert f'id="prompt-{wanted.pk}"' in page
    assert ("Go to the newest" in page) == (number > 10)


def test_what_is_not_in_the_chat_is_not_looked_for(signed_in, world):
    page = signed_in.get(f"/chats/{world.chat.pk}/?shown={'0' * 24}").content.decode()

    assert f'id="prompt-{world.prompt.pk}"' in page
    assert "Go to the newest" not in page
