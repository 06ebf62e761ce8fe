"""Prompt templates with their versions, and what a user has used."""

import re

import pytest

from blueprints.models import PromptTemplate
from tests.api.conftest import problems

URL = "genai/promptTemplates/"
NOTHING = "0" * 24


@pytest.fixture
def template(api):
    return api.post(URL, {"name": "Support", "description": "For answers"}).json()


@pytest.fixture
def add_version(api, template):
    def add(text="Hello {{ name }}", **more):
        response = api.post(f"{URL}{template['id']}/versions/", {"promptText": text, **more})
        assert response.status_code == 201, response.content
        return response.json()

    return add


def test_a_template_has_its_fields(api, alice):
    response = api.post(URL, {"name": "Support", "description": ""})

    body = response.json()
    assert response.status_code == 201
    assert re.fullmatch(r"[0-9a-f]{24}", body.pop("id"))
    assert body.pop("creationDate").endswith("Z")
    assert body.pop("lastUpdateDate").endswith("Z")
    assert body == {
        "name": "Support",
        "description": "",
        "versionCount": 0,
        "creationUserId": alice.pk,
        "userName": alice.display_name,
        "lastUpdateUserId": alice.pk,
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [(["body", "name"], "missing")]),
        ({"name": ""}, [(["body", "name"], "string_too_short")]),
        ({"name": "  "}, [(["body", "name"], "value_error")]),
        ({"name": 5, "description": 5}, [(["body", "description"], "string_type"), (["body", "name"], "string_type")]),
        ({"name": "n" * 201}, [(["body", "name"], "string_too_long")]),
        ({"name": "n", "description": "d" * 10_001}, [(["body", "description"], "string_too_long")]),
        ({"name": "a\x00"}, [(["body", "name"], "value_error")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_template_is_said(api, body, expected):
    assert problems(api.post(URL, body)) == expected
    assert not PromptTemplate.objects.exists()


@pytest.mark.parametrize("body", [{"name": "n"}, {"name": "n" * 200, "description": "d" * 10_000}])
def test_a_template_may_be_short_or_long(api, body):
    made = api.post(URL, body).json()

    assert {name: made[name] for name in body} == body


def test_templates_are_listed_newest_first_searched_and_sorted(api, add_version, template):
    add_version()
    for name in ("billing", "Answers"):
        api.post(URL, {"name": name})

    def names(query=None):
        return [record["name"] for record in api.get(URL, query).json()["data"]]

    assert names() == ["Answers", "billing", "Support"]
    assert names({"search": "ANS"}) == ["Answers"]
    assert names({"search": "%"}) == []
    assert names({"sort": "creationDate"}) == ["Support", "billing", "Answers"]
    assert names({"sort": "-versionCount"})[0] == "Support"
    for name in ("name", "description", "creationUserId", "lastUpdateDate", "lastUpdateUserId"):
        assert len(names({"sort": name})) == len(names({"sort": f"-{name}"})) == 3
    assert problems(api.get(URL, {"sort": "userName"})) == [(["query", "sort"], "enum")]


def test_a_version_has_its_fields(api, template, alice):
    given = {
        "promptText": "\tHello {{name}}, about {{ issue }} „…“",
        "variables": [
            {"name": "name", "type": "str", "description": "Who"},
            {"name": "issue"},
        ],
        "commitComment": "First",
    }

    response = api.post(f"{URL}{template['id']}/versions/", given)

    body = response.json()
    assert response.status_code == 201
    assert body.pop("creationDate").endswith("Z")
    assert body == given | {
        "id": body["id"],
        "promptTemplateId": template["id"],
        "version": 1,
        "variables": [
            {"name": "name", "type": "str", "description": "Who"},
            {"name": "issue", "type": "str", "description": ""},
        ],
        "creationUserId": alice.pk,
        "userName": alice.display_name,
    }
    assert api.get(f"{URL}{template['id']}/versions/{body['id']}/").json().items() >= body.items()


@pytest.mark.parametrize("variables", [None, []])
def test_a_version_may_do_without_variables_and_comment(add_version, variables):
    made = add_version(variables=variables, commitComment=None)

    assert (made["variables"], made["commitComment"]) == ([], "")


@pytest.mark.parametrize(
    ("changes", "loc", "kind"),
    [
        ({"promptText": ""}, ["promptText"], "string_too_short"),
        ({"promptText": " \n"}, ["promptText"], "value_error"),
        ({"promptText": None}, ["promptText"], "string_type"),
        ({"promptText": "a" * 500_001}, ["promptText"], "string_too_long"),
        ({"commitComment": 5}, ["commitComment"], "string_type"),
        ({"commitComment": "c" * 10_001}, ["commitComment"], "string_too_long"),
        ({"variables": {}}, ["variables"], "list_type"),
        ({"variables": ["a"]}, ["variables", 0], "model_attributes_type"),
        ({"variables": [{"name": "a"}, {}]}, ["variables", 1, "name"], "missing"),
        ({"variables": [{"name": ""}]}, ["variables", 0, "name"], "string_too_short"),
        ({"variables": [{"name": "a", "type": ""}]}, ["variables", 0, "type"], "string_too_short"),
        ({"variables": [{"name": "a", "description": 1}]}, ["variables", 0, "description"], "string_type"),
        ({"variables": [{"name": "a"}, {"name": "a"}]}, ["variables"], "value_error"),
        ({"variables": [{"name": str(n)} for n in range(1_001)]}, ["variables"], "value_error"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_version_is_said(api, template, changes, loc, kind):
    response = api.post(f"{URL}{template['id']}/versions/", {"promptText": "a"} | changes)

    assert problems(response) == [(["body", *loc], kind)]
    assert api.get(f"{URL}{template['id']}/").json()["versionCount"] == 0


def test_a_text_may_be_very_long(add_version):
    assert add_version("a" * 500_000)["promptText"] == "a" * 500_000


def test_versions_count_up_and_the_template_tells(api, template, add_version):
    versions = [add_version(text) for text in "abc"]

    assert [version["version"] for version in versions] == [1, 2, 3]
    after = api.get(f"{URL}{template['id']}/").json()
    assert after["versionCount"] == 3
    assert after["lastUpdateDate"] > template["lastUpdateDate"]
    assert api.get(f"{URL}{template['id']}/versions/").json()["data"] == versions[::-1]
    page = api.get(f"{URL}{template['id']}/versions/", {"limit": 1, "offset": 1}).json()
    assert page["data"] == [versions[1]]


def test_versions_of_many_templates_are_listed_together(api, template, add_version):
    other = api.post(URL, {"name": "Other"}).json()
    mine = add_version()
    theirs = api.post(f"{URL}{other['id']}/versions/", {"promptText": "b"}).json()

    def listed(*ids):
        query = {"promptTemplatesIds": list(ids)} if ids else None
        return api.get(f"{URL}versions/", query).json()["data"]

    assert listed() == [theirs, mine]
    assert listed(template["id"]) == [mine]
    assert listed(template["id"], other["id"]) == [theirs, mine]
    assert listed(NOTHING) == []


def test_a_version_is_found_in_its_own_template_only(api, template, add_version):
    version = add_version()
    other = api.post(URL, {"name": "Other"}).json()

    assert api.get(f"{URL}{other['id']}/versions/{version['id']}/").status_code == 404
    assert api.get(f"{URL}{template['id']}/versions/{NOTHING}/").status_code == 404


def test_templates_are_their_makers_own(bob_api, vera_api, template, add_version):
    version = add_version()
    path = f"{URL}{template['id']}/"

    for caller in (bob_api, vera_api):
        assert caller.get(URL).json()["data"] == []
        assert caller.get(f"{URL}versions/").json()["data"] == []
        mine = caller.get(f"{URL}versions/", {"promptTemplatesIds": template["id"]})
        assert mine.json()["data"] == []
        for response in (
            caller.get(path),
            caller.get(f"{path}versions/"),
            caller.get(f"{path}versions/{version['id']}/"),
            caller.post(f"{path}versions/", {"promptText": "a"}),
        ):
            assert response.status_code == 404
            assert response.json()["detail"].endswith("not found.")


def test_lists_take_as_many_queries_for_many_as_for_few(
    api, template, add_version, django_assert_num_queries
):
    for name in "abc":
        api.post(URL, {"name": name})
        add_version(name)

    for path in (URL, f"{URL}versions/"):
        api.get(path)
        # token, count, page
        with django_assert_num_queries(3):
            api.get(path, {"limit": 1})
        with django_assert_num_queries(3):
            api.get(path)


# What a user has used.


@pytest.mark.django_db(transaction=True)
def test_the_calls_of_llms_are_counted_for_whoever_asked(
    api, vera_api, prompt, chat, run_jobs, alice
):
    assert api.get("genai/userLimits/llmApiCalls/").json() == {"counter": 0}

    run_jobs()

    assert api.get("genai/userLimits/llmApiCalls/").json() == {"counter": 1}
    assert vera_api.get("genai/userLimits/llmApiCalls/").json() == {"counter": 0}


def test_vector_databases_are_counted_for_whoever_made_them(api, vera_api, database):
    assert api.get("genai/userLimits/vectorDatabases/").json() == {"counter": 1}
    assert vera_api.get("genai/userLimits/vectorDatabases/").json() == {"counter": 0}
