"""What was logged is exported as this API shows it, and brought in elsewhere as it was."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from accounts.services import create_use_case
from playground.v5.importing import Importer, Report
from tests.v5.conftest import Programme
from tests.v5.test_logs import COMMON, KINDS, OF_KIND, logged
from tracing.models import Log

pytestmark = pytest.mark.django_db
# Of what a log is of: keys, who made it when, and where it is deployed.
_OURS = {
    "directory_id",
    "environments",
    "id",
    "file_id",
    "version_id",
    "created_at",
    "updated_at",
    "created_by",
    "last_used_at",
}


@pytest.fixture
def exported(client, alice, use_case):
    """The lines of an export, of alice's use case or another."""

    def export(within=None, **query: str) -> list[dict[str, Any]]:
        client.force_login(alice)
        url = reverse("playground:log-export-api", args=[(within or use_case).pk])
        response = client.get(url, query)
        assert response.status_code == 200
        return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]

    return export


@pytest.fixture
def bring(alice, tmp_path):
    def brought(lines: list[dict[str, Any]], use_case) -> Report:
        folder: Path = tmp_path / use_case.pk
        folder.mkdir()
        (folder / "logs.jsonl").write_text("\n".join(map(json.dumps, lines)))
        return Importer(alice, use_case, note=print).run(folder)

    return brought


@pytest.fixture
def elsewhere(alice):
    return create_use_case(user=alice, name="Elsewhere")


def told(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """By id, without the keys of the files and versions."""

    def plain(log: dict[str, Any]) -> dict[str, Any]:
        kind = next(kind for kind in ("prompt", "flow", "tool", "evaluator") if kind in log)
        file = {name: value for name, value in log[kind].items() if name not in _OURS}
        judgments = sorted(map(plain, log["evaluator_logs"]), key=lambda one: str(one["id"]))
        return log | {kind: file, "evaluator_logs": judgments}

    return {log["id"]: plain(log) for log in lines}


def test_everything_comes_back_as_it_was(api: Programme, exported, bring, elsewhere, use_case):
    for kind in KINDS:
        one = logged(api, kind, **COMMON, **OF_KIND[kind])
        api.made("evaluators/log", parent_id=one["id"], path="rating", judgment="good", user="u")
    flow = logged(api, "flow", path="tours/all")
    below = logged(api, "tool", path="tours/step", trace_parent_id=flow["id"], output="1")
    logged(api, "prompt", path="tours/say", trace_parent_id=below["id"], output="2", user="x")
    free = {"return_type": "number", "arguments_type": "target_free", "evaluator_type": "external"}
    api.made("evaluators/log", parent_id=below["id"], path="length", judgment=7, spec=free)
    changed = {"output": "Done.", "log_status": "complete"}
    assert api.patch(f"flows/logs/{flow['id']}", changed).status_code == 200
    old = Programme(api.token, root="v4")
    session = {"project": "old", "config": {"model": "m", "type": "model"}, "output": "Hi",
               "inputs": {"a": "b"}, "session_reference_id": "s-1", "reference_id": "r-1"}  # fmt: skip
    assert old.post("logs", session).status_code in (200, 201)
    lines = exported()

    report = bring(lines, elsewhere)

    assert report.problems == []
    assert (len(lines), report.logs) == (7, 11)
    assert Log.objects.filter(use_case=elsewhere).count() == 11
    after, before = told(exported(elsewhere)), told(lines)
    assert after.keys() == before.keys()
    for pk in before:
        kind = next(kind for kind in ("prompt", "flow", "tool") if kind in before[pk])
        assert after[pk][kind] == before[pk][kind]
        assert after[pk] == before[pk]
    rated = Log.objects.filter(use_case=elsewhere, thumbs_up=1)
    assert rated.count() == 3


def test_all_levels_stand_for_themselves_and_come_together_again(
    api: Programme, exported, bring, elsewhere
):
    """The newest come first: judgments before what they are about, children before their parents."""
    flow = logged(api, "flow")
    child = logged(api, "tool", trace_parent_id=flow["id"])
    api.made("evaluators/log", parent_id=child["id"], path="rating", judgment="bad")
    lines = exported(levels="all")
    assert [line["id"] for line in lines][1:] == [child["id"], flow["id"]]

    report = bring(lines, elsewhere)

    assert report.problems == []
    parents = dict(Log.objects.filter(use_case=elsewhere).values_list("kind", "parent__kind"))
    assert parents == {"flow": None, "tool": "flow", "evaluator": "tool"}


def test_a_judgment_of_what_is_not_there_is_told(api: Programme, exported, bring, elsewhere):
    log = logged(api, "tool")
    api.made("evaluators/log", parent_id=log["id"], path="rating", judgment="bad")
    lines = exported(levels="all", path="rating")

    report = bring(lines, elsewhere)

    assert report.logs == 0
    assert report.problems == [
        f"logs.jsonl:1: {log['id']}, which it is about, is not in the export."
    ]


def test_a_filter_and_words_choose(api: Programme, exported):
    logged(api, "tool", output="a lamp", source="nightly")
    logged(api, "tool", output="a chair", source="nightly")
    logged(api, "tool", output="a lamp")

    [line] = exported(source="nightly", text="lamp")

    assert line["output"] == "a lamp"
    assert exported(source="nowhere") == []


def test_strangers_and_others_get_nothing(client, bob, use_case, api: Programme):
    url = reverse("playground:log-export-api", args=[use_case.pk])
    assert client.get(url).status_code == 302
    client.force_login(bob)
    assert client.get(url).status_code == 404
    assert client.post(url).status_code == 405


def test_a_wrong_filter_leads_to_what_is_wrong(client, alice, use_case):
    client.force_login(alice)
    response = client.get(
        reverse("playground:log-export-api", args=[use_case.pk]), {"status": "odd"}
    )

    assert response.status_code == 302
    assert response.headers["Location"].endswith("?status=odd")
