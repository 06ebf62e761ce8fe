"""Prompts, flows and tools by their paths, and which of their versions is meant."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts import services as accounts
from accounts.models import Role, User
from blueprints import environments, files, services
from blueprints.kernel import kernel_of
from blueprints.kinds import file_of
from blueprints.models import Blueprint, BlueprintVersion, File, FileVersion
from blueprints.settings import AnswerSettings
from config.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound

pytestmark = pytest.mark.django_db

DETAILS: dict[str, dict[str, Any]] = {
    "prompt": {"model": "gpt-x", "temperature": 0.5},
    "flow": {"attributes": {"commit": "abc"}},
    "tool": {"function": {"name": "add", "description": "Adds."}},
}
OTHER: dict[str, dict[str, Any]] = {
    "prompt": {"model": "gpt-y"},
    "flow": {"attributes": {"commit": "def"}},
    "tool": {"source_code": "def add(): ..."},
}
KINDS = pytest.mark.parametrize("kind", list(DETAILS))


@pytest.fixture
def select(alice, use_case) -> Callable[..., Any]:
    def select(kind: str, **given: Any) -> Any:
        names = {"user": alice, "use_case": use_case, "kind": kind, "path": "a/b"} | given
        return files.select_version(**names)

    return select


@KINDS
def test_details_make_what_is_not_there_and_find_it_again(select, kind):
    made = select(kind, details=DETAILS[kind])
    again = select(kind, path="/a/b/", details=DETAILS[kind])
    other = select(kind, details=OTHER[kind])
    by_id = select(kind, path=None, file_id=file_of(made).pk, details=DETAILS[kind])

    assert made == again == by_id
    assert [made.number, other.number] == [1, 2]
    assert file_of(made) == file_of(other)
    assert file_of(made).path == "a/b"
    assert list(file_of(made).use_case.directories.values_list("path", flat=True)) == ["a"]


@KINDS
def test_the_first_version_alone_is_deployed_by_itself(select, kind):
    first = select(kind, details=DETAILS[kind])
    select(kind, details=OTHER[kind])

    assert select(kind) == first
    assert select(kind, environment="production") == first


@KINDS
def test_a_version_is_named_by_its_id_or_by_an_environment(select, alice, use_case, kind):
    first = select(kind, details=DETAILS[kind])
    second = select(kind, details=OTHER[kind])
    staging = use_case.environments.get(name="staging")
    environments.deploy(second, staging, user=alice)

    assert select(kind, version_id=second.pk) == second
    assert select(kind, path=None, version_id=second.pk) == second
    assert select(kind, environment="staging") == second
    assert select(kind, path="a/b", file_id=file_of(first).pk) == first


@pytest.mark.parametrize(
    ("given", "error", "field"),
    [
        ({"path": None}, InvalidInput, "path"),
        ({"path": "a//b"}, InvalidInput, "path"),
        ({"path": "nowhere"}, NotFound, None),
        ({"file_id": "0" * 24}, NotFound, None),
        ({"version_id": "0" * 24}, NotFound, None),
        ({"path": None, "version_id": "0" * 24}, NotFound, None),
        ({"environment": "staging"}, NotFound, None),
        ({"environment": "nowhere"}, NotFound, None),
        ({"path": "of/a/flow"}, InvalidInput, "path"),
        ({"path": "of/a/flow", "details": DETAILS["prompt"]}, InvalidInput, "path"),
        ({"details": DETAILS["prompt"], "environment": "production"}, InvalidInput, "prompt"),
        ({"details": DETAILS["prompt"], "version_id": "0" * 24}, InvalidInput, "prompt"),
        ({"details": {"model": "m", "temperature": 9}}, InvalidInput, "temperature"),
        ({"path": "new", "details": {"model": "m", "top_p": 9}}, InvalidInput, "top_p"),
    ],
)
def test_what_names_no_version_is_refused_and_leaves_nothing(select, given, error, field):
    select("prompt", details=DETAILS["prompt"])
    select("flow", path="of/a/flow", details=DETAILS["flow"])

    with pytest.raises(AppError) as refused:
        select("prompt", **given)

    assert type(refused.value) is error
    assert refused.value.field == field
    assert BlueprintVersion.objects.count() == 1
    assert FileVersion.objects.count() == 1


@KINDS
def test_a_path_and_an_id_must_mean_the_same(select, kind):
    first = select(kind, details=DETAILS[kind])
    other = select(kind, path="other", details=DETAILS[kind])

    for path in ("other", "nowhere"):
        with pytest.raises(InvalidInput):
            select(kind, path=path, file_id=file_of(first).pk)
    assert select(kind, path="other", file_id=file_of(other).pk) == other


def test_a_version_of_something_else_is_not_found(select):
    select("prompt", details=DETAILS["prompt"])
    other = select("prompt", path="other", details=DETAILS["prompt"])

    with pytest.raises(NotFound):
        select("prompt", version_id=other.pk)
    with pytest.raises(NotFound):
        select("flow", path=None, version_id=other.pk)


@KINDS
def test_strangers_find_nothing_and_viewers_make_nothing(select, use_case, bob, vera, kind):
    made = select(kind, details=DETAILS[kind])

    for wanted in ({"file_id": file_of(made).pk}, {"version_id": made.pk}):
        with pytest.raises(NotFound):
            select(kind, user=bob, path=None, **wanted)
    assert select(kind, user=vera, details=DETAILS[kind]) == made
    for wanted in ({"details": OTHER[kind]}, {"path": "new", "details": DETAILS[kind]}):
        with pytest.raises(Forbidden):
            select(kind, user=vera, **wanted)


def test_ids_are_found_in_every_use_case_that_one_sees_and_paths_in_one(select, alice):
    elsewhere = accounts.create_use_case(user=alice, name="Other")
    made = select("prompt", details=DETAILS["prompt"], use_case=elsewhere)

    assert select("prompt", path=None, file_id=file_of(made).pk) == made
    with pytest.raises(NotFound):
        select("prompt")


def test_numbers_order_and_what_is_empty_make_no_other_version(select):
    first = select("tool", details={"attributes": {"a": 1, "b": 2.0}, "setup_values": {"x": 1}})

    same = {"setup_values": {"x": 1.0}, "attributes": {"b": 2, "a": 1.0}, "source_code": None}
    assert select("tool", details=same) == first
    prompt = select("prompt", path="p", details={"model": "m", "stop": None, "tools": []})
    assert select("prompt", path="p", details={"model": "m", "temperature": 1}) == prompt


def test_a_version_of_the_pages_is_found_by_its_kernel(select, alice, use_case):
    blueprint = services.create_blueprint(
        user=alice, use_case=use_case, name="x", path="a/b", settings=AnswerSettings()
    )
    BlueprintVersion.objects.update(kernel_hash="")

    found = select("prompt", details=kernel_of(blueprint.current))

    assert found == blueprint.current
    assert BlueprintVersion.objects.exclude(kernel_hash="").count() == 1


def test_a_new_version_retrieves_as_the_newest(select, alice, use_case):
    blueprint = services.create_blueprint(
        user=alice,
        use_case=use_case,
        name="x",
        path="a/b",
        settings=AnswerSettings(prompt_type="ONE_TIME_PROMPT"),
    )

    made = select("prompt", details=DETAILS["prompt"])

    assert made.prompt_type == "ONE_TIME_PROMPT"
    blueprint.refresh_from_db()
    assert blueprint.current.number == 1


def test_a_path_is_one_things_own_whatever_it_is(select, alice, use_case):
    select("flow", details=DETAILS["flow"])
    with pytest.raises(InvalidInput):
        services.create_blueprint(
            user=alice, use_case=use_case, name="x", path="a/b", settings=AnswerSettings()
        )
    select("flow", path="a-b", details=DETAILS["flow"])
    named = services.create_blueprint(
        user=alice, use_case=use_case, name="A b", settings=AnswerSettings()
    )
    assert named.path == "a-b-2"


def test_moving_takes_a_free_path_and_makes_its_directories(select, alice):
    prompt = file_of(select("prompt", details=DETAILS["prompt"]))
    flow = file_of(select("flow", path="c", details=DETAILS["flow"]))

    files.move(prompt, user=alice, path="d/e/f", name=None)
    files.move(flow, user=alice, path=None, name="g")

    assert Blueprint.objects.get().path == "d/e/f"
    assert Blueprint.objects.get().name == "f"
    assert File.objects.get().path == "g"
    assert set(flow.use_case.directories.values_list("path", flat=True)) == {"a", "d", "d/e"}
    with pytest.raises(Conflict):
        files.move(flow, user=alice, path="/d/e/f", name=None)
    with pytest.raises(InvalidInput):
        files.move(flow, user=alice, path=None, name="x/y")


def test_names_of_versions_are_their_own(select, alice):
    first = select("flow", details=DETAILS["flow"])
    second = select("flow", details=OTHER["flow"])

    files.name_version(first, user=alice, name="v1", description="The first")
    with pytest.raises(Conflict):
        files.name_version(second, user=alice, name="v1")
    files.name_version(first, user=alice, name="v1")
    files.name_version(first, user=alice, name="")
    files.name_version(second, user=alice, name="v1")

    first.refresh_from_db()
    assert (first.name, first.description) == ("", "The first")


def test_what_is_in_use_is_not_deleted(select, alice):
    first = select("prompt", details=DETAILS["prompt"])
    second = select("prompt", details=OTHER["prompt"])
    environments.undeploy(
        file_of(first), environments.ensure_environments(file_of(first).use_case), user=alice
    )

    with pytest.raises(Conflict, match="Chats"):
        files.delete_version(first, user=alice)
    flow = select("flow", path="f", details=DETAILS["flow"])
    with pytest.raises(Conflict, match="deployed"):
        files.delete_version(flow, user=alice)
    files.delete_version(second, user=alice)

    assert BlueprintVersion.objects.get() == first


@KINDS
@pytest.mark.django_db(transaction=True)
def test_programs_that_come_at_once_make_one_version_of_one_thing(select, kind):
    together = Barrier(8, timeout=30)

    def call(details: dict[str, Any]) -> str:
        together.wait()
        try:
            return str(select(kind, path="new/one", details=details).pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(call, [DETAILS[kind], OTHER[kind]] * 4))

    assert len(set(made)) == 2
    assert len({*made[::2]}) == len({*made[1::2]}) == 1
    assert Blueprint.objects.count() + File.objects.count() == 1


def test_viewers_change_nothing(select, use_case, alice):
    made = select("flow", details=DETAILS["flow"])
    flow = file_of(made)
    bob = User.objects.create_user("bob@example.com")
    accounts.share(use_case, by=alice, email=bob.email, role=Role.VIEWER)

    for act in (
        lambda: files.move(flow, user=bob, path="x", name=None),
        lambda: files.name_version(made, user=bob, name="x"),
        lambda: files.delete_version(made, user=bob),
        lambda: files.delete_file(flow, user=bob),
        lambda: files.upsert(
            user=bob,
            use_case=use_case,
            kind="flow",
            path="a/b",
            file_id=None,
            details=DETAILS["flow"],
            described={},
        ),
    ):
        with pytest.raises(Forbidden):
            act()
