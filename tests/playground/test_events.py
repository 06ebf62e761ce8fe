"""The event stream of a running Groundwork: who may listen, and what they hear."""

import random
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from tests.crash.conftest import document
from tests.stack import Stack, words
from tests.visitors import PATIENCE_SECONDS, Browser, Person, Watcher, wait_for

POOL_SIZE = 16
UNKNOWN = "0" * 24


@pytest.fixture(scope="module")
def chat(whole_stack) -> str:
    return str(whole_stack.chat())


@pytest.fixture(scope="module")
def database(whole_stack) -> str:
    alice = whole_stack.alice
    dataset = alice.upload({"short.md": b"# Short\n\nParcels leave within one day.\n"})
    made = alice.make("genai/vectorDatabases/", datasetId=dataset, useCaseId=whole_stack.use_case)
    whole_stack.nothing_is_left()
    return str(made["id"])


def status_of(stack: Stack, query: str, headers: dict[str, str], method: str = "GET") -> int:
    """The status with which a stream is opened or refused, without reading it."""
    connection = HTTPConnection("127.0.0.1", stack.running.port, timeout=60)
    try:
        connection.request(method, f"/events/?{query}", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_whoever_is_not_known_is_refused(stack, chat):
    assert status_of(stack, f"chat={chat}", {}) == 401
    assert status_of(stack, f"chat={chat}", {"Authorization": "Bearer gw_wrong"}) == 401
    assert status_of(stack, f"chat={chat}", {"Cookie": "groundwork_session=nonsense"}) == 401


def test_to_strangers_nothing_exists(stack, chat, database):
    own = stack.bob.make("useCases/", name="Mine")["id"]
    playground = stack.bob.make("genai/playgrounds/", name="Mine", useCaseId=own)["id"]
    blueprint = stack.bob.make(
        "genai/llmBlueprints/", playgroundId=playground, name="Mine", llmId="extractive"
    )["id"]
    mine = stack.bob.make("genai/chats/", llmBlueprintId=blueprint)["id"]

    assert status_of(stack, f"chat={mine}", stack.bob.headers) == 200
    for query in (
        f"chat={chat}",
        f"vector_database={database}",
        f"chat={mine}&chat={chat}",
        f"chat={mine}&vector_database={database}",
        f"chat={UNKNOWN}",
        f"vector_database={mine}",
        "chat=%00",
        "chat=1'%20OR%201=1",
    ):
        assert status_of(stack, query, stack.bob.headers) == 404, query


def test_members_may_listen_also_those_who_only_look(stack, chat, database):
    query = f"chat={chat}&vector_database={database}&chat={chat}"
    assert status_of(stack, query, stack.alice.headers) == 200
    assert status_of(stack, query, stack.vera.headers) == 200


def test_a_signed_in_browser_may_listen(stack, chat):
    browser = Browser(stack.running, stack.running.email)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
    assert status_of(stack, f"chat={chat}", {"Cookie": cookies}) == 200


def test_revoked_tokens_and_deactivated_users_are_refused(stack, chat):
    carol = Person(stack.running.port, stack.running.manage("token", "carol@example.com"))
    assert status_of(stack, f"chat={chat}", carol.headers) == 404
    stack.change("UPDATE accounts_user SET is_active = false WHERE email = 'carol@example.com'")
    assert status_of(stack, f"chat={chat}", carol.headers) == 401
    stack.change("UPDATE accounts_user SET is_active = true WHERE email = 'carol@example.com'")
    stack.change(
        "UPDATE accounts_apitoken SET revoked_at = now() WHERE user_id ="
        " (SELECT id FROM accounts_user WHERE email = 'carol@example.com')"
    )
    assert status_of(stack, f"chat={chat}", carol.headers) == 401


def test_something_must_be_named_but_not_too_much(stack, chat):
    assert status_of(stack, "", stack.alice.headers) == 422
    assert status_of(stack, "chats=1", stack.alice.headers) == 422
    many = urlencode([("chat", f"{number:024x}") for number in range(101)])
    assert status_of(stack, many, stack.alice.headers) == 422


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_is_for_reading_only(stack, chat, method):
    assert status_of(stack, f"chat={chat}", stack.alice.headers, method) == 405


def test_two_tabs_see_the_same(stack):
    chat = stack.chat()
    stack.answers_with(words(40), interval_ms=20)
    with stack.watch(chat) as one, stack.watch(chat) as other:
        prompt = stack.alice.ask(chat)
        assert one.wait_for_end(prompt) == other.wait_for_end(prompt) == "COMPLETED"

    assert one.texts[prompt] == other.texts[prompt] == words(40)
    assert one.events == other.events
    assert one.names(prompt)[0] == "asked"
    assert one.names(prompt)[-1] == "finished"


def test_nobody_hears_of_other_chats(stack):
    mine, other = stack.chat(), stack.chat()
    with stack.watch(mine) as watcher:
        stack.finished(stack.alice.ask(other))
        prompt = stack.alice.ask(mine)
        watcher.wait_for_end(prompt)

    assert {data.get("prompt", prompt) for _, data in watcher.events} == {prompt}


def test_whenever_one_connects_snapshot_and_deltas_make_the_whole_text(stack):
    chance = random.Random()  # noqa: S311 - not for secrets
    text = words(200)
    chat = stack.chat()
    stack.answers_with(text, interval_ms=15)
    watchers: list[Watcher] = []
    prompt = stack.alice.ask(chat)

    def connect_later(seconds: float) -> None:
        time.sleep(seconds)
        watcher = stack.watch(chat, connections=1)
        watchers.append(watcher)
        watcher.__enter__()

    threads = [
        threading.Thread(target=connect_later, args=[chance.uniform(0, 2.8)]) for _ in range(25)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert stack.finished(prompt) == ("COMPLETED", text, 1)
    for watcher in watchers:
        in_time = prompt in watcher.texts
        if in_time:
            watcher.wait_for_end(prompt)
        watcher.__exit__()

    seen = [watcher for watcher in watchers if prompt in watcher.texts]
    assert len(seen) > 10
    for watcher in seen:
        assert (watcher.gaps, watcher.trouble) == (0, [])
        assert watcher.texts[prompt] == text
        names = watcher.names(prompt)
        assert names.count("snapshot") <= 1
        assert "snapshot" not in names[1:]


def test_open_streams_hold_no_database_connection(stack, chat):
    count = (
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        " AND pid <> pg_backend_pid()"
    )
    before = stack.sql(count)[0][0]
    watchers = [stack.watch(chat) for _ in range(40)]
    for watcher in watchers:
        watcher.__enter__()
    try:
        # Each worked with a connection of the pool, which keeps what it has opened.
        most = before + POOL_SIZE
        assert stack.sql(count)[0][0] <= most
        assert stack.sql(f"{count} AND state LIKE 'idle in transaction%%'") == [(0,)]
        answers = [stack.alice.get("genai/chats/") for _ in range(5)]
        assert all(answers)
        prompt = stack.alice.ask(chat)
        for watcher in watchers:
            assert watcher.wait_for_end(prompt) == "COMPLETED"
    finally:
        for watcher in watchers:
            watcher.__exit__()


def test_progress_of_an_ingestion_is_told(stack):
    dataset = stack.alice.upload({"long.md": document(77)})
    made = stack.alice.make("genai/vectorDatabases/", datasetId=dataset, useCaseId=stack.use_case)
    with Watcher(stack.vera, f"vector_database={made['id']}") as watcher:
        wait_for(
            lambda: ("ingestion", {"vector_database": made["id"]}) in watcher.events, "progress"
        )
