"""The pages of replays."""

import pytest
from django.urls import reverse

from config.status import Status
from playground.models import ChatPrompt, Replay
from tests.pages.conftest import HTMX

MESSAGES = [{"role": "user", "content": "How long may I wait?"}]


@pytest.fixture
def signed_in(client, alice, world):
    ChatPrompt.objects.filter(pk=world.prompt.pk).update(final_prompt=MESSAGES)
    client.force_login(alice)
    return client


def made(world, **fields) -> Replay:
    done = {"status": Status.COMPLETED, "result_text": "Forty days [1].", "latency_ms": 900}
    return Replay.objects.create(
        prompt=world.prompt,
        created_by=world.prompt.created_by,
        **{"is_exact": True, "citations": world.prompt.citations} | done | fields,
    )


def page_of(client, replay: Replay, **more) -> str:
    url = reverse("playground:replay-detail", args=[replay.pk])
    return str(client.get(url, **more).content.decode())


def test_an_answer_leads_to_its_replays(signed_in, world):
    url = reverse("playground:prompt-replay", args=[world.prompt.pk])

    assert f'href="{url}"' in signed_in.get(f"/chats/{world.chat.pk}/").content.decode()
    page = signed_in.get(url).content.decode()
    assert "Replay exactly</button>" in page
    assert "Replay with today's search</button>" in page


@pytest.mark.parametrize(("value", "is_exact"), [("exact", True), ("searched", False)])
def test_a_replay_is_asked_for_and_opened(signed_in, world, value, is_exact):
    url = reverse("playground:prompt-replay", args=[world.prompt.pk])

    response = signed_in.post(url, {"as": value})

    replay = Replay.objects.get()
    assert response.headers["Location"] == f"/replays/{replay.pk}/"
    assert (replay.is_exact, replay.status) == (is_exact, Status.NEW)


def test_what_is_impossible_is_said_in_the_place_of_the_button(signed_in, world):
    ChatPrompt.objects.filter(pk=world.prompt.pk).update(final_prompt=None)
    url = reverse("playground:prompt-replay", args=[world.prompt.pk])

    page = signed_in.get(url).content.decode()

    assert page.count("never reached the LLM") == 2
    assert 'name="as"' not in page
    assert signed_in.post(url).status_code == 422
    assert not Replay.objects.exists()


def test_both_answers_stand_side_by_side_with_what_differs(signed_in, world):
    page = page_of(signed_in, made(world))

    assert "<del>Thirty</del>" in page
    assert "<ins>Forty</ins>" in page
    assert "only then" in page
    assert "1 in both" in page
    assert "data-progress" not in page
    assert "data-events" not in page


def test_an_answer_that_is_the_same_is_said_to_be(signed_in, world):
    page = page_of(signed_in, made(world, result_text=world.prompt.result_text))

    assert "The answer is the same, word for word." in page


def test_a_running_replay_is_followed_by_the_page(signed_in, world):
    replay = made(world, status=Status.RUNNING, result_text="")

    page = page_of(signed_in, replay)

    assert f"?chat={world.chat.pk}" in page
    assert f'data-progress="/replays/{replay.pk}/"' in page
    assert "answers …" in page
    alone = page_of(signed_in, replay, headers=HTMX)
    assert alone.startswith(f'<div id="progress-{replay.pk}"')
    assert "<html" not in alone


def test_a_running_replay_can_be_stopped_from_its_page(signed_in, world):
    replay = made(world, status=Status.RUNNING, result_text="")
    stop = reverse("playground:replay-stop", args=[replay.pk])
    assert f'action="{stop}"' in page_of(signed_in, replay)

    response = signed_in.post(stop)

    assert response.headers["Location"] == f"/replays/{replay.pk}/"
    assert signed_in.get(stop).status_code == 405


def test_a_stopped_replay_says_so(signed_in, world):
    page = page_of(signed_in, made(world, finish_reason="stopped"))

    assert "Stopped: what was written by then stands here." in page
    assert "replay-stop" not in page


def test_a_failed_replay_says_why(signed_in, world):
    page = page_of(
        signed_in, made(world, status=Status.ERROR, result_text="", error_message="No key.")
    )

    assert "No key." in page
    assert "Differences" not in page


def test_replays_are_listed_with_who_asked_for_them(signed_in, world):
    replay = made(world, is_exact=False)

    page = signed_in.get(
        reverse("playground:prompt-replay", args=[world.prompt.pk])
    ).content.decode()

    assert f'href="/replays/{replay.pk}/"' in page
    assert replay.created_by.display_name in page


def test_a_viewer_reads_replays_and_asks_for_none(signed_in, client, vera, world):
    replay = made(world)
    client.force_login(vera)
    url = reverse("playground:prompt-replay", args=[world.prompt.pk])

    assert "Replay exactly</button>" not in client.get(url).content.decode()
    assert client.post(url, {"as": "exact"}).status_code == 403
    assert "Forty" in page_of(client, replay)


def test_a_stranger_finds_none(signed_in, client, bob, world):
    replay = made(world)
    client.force_login(bob)

    assert client.get(reverse("playground:replay-detail", args=[replay.pk])).status_code == 404
    assert (
        client.post(reverse("playground:prompt-replay", args=[world.prompt.pk])).status_code == 404
    )
    client.logout()
    assert client.get(reverse("playground:replay-detail", args=[replay.pk])).status_code == 302
    assert client.put(reverse("playground:replay-detail", args=[replay.pk])).status_code in {
        302,
        405,
    }
