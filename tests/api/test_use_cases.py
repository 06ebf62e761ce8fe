"""Use cases and what stands in them: each field, and what every change does to it."""

import re
from datetime import datetime
from typing import Any

import pytest

from accounts.models import Membership, Role, UseCase
from playground.models import Chat, ChatPrompt, Playground
from vectordb import services
from vectordb.models import Dataset, DatasetLink, VectorDatabase

URL = "useCases/"


def errors(response: Any) -> dict[str, str]:
    assert response.status_code == 422, response.content
    found: dict[str, str] = response.json()["errors"]
    return found


def test_a_use_case_has_all_its_fields(api, bob_api, alice, bob, use_case, playground, database):
    Membership.objects.create(use_case=use_case, user=bob, role=Role.EDITOR)
    changed = bob_api.patch(f"{URL}{use_case.pk}/", {"name": "Help", "description": "For all"})

    body = api.get(f"{URL}{use_case.pk}/").json()

    def person(user: Any) -> dict[str, str]:
        return {
            "id": user.pk,
            "fullName": user.display_name,
            "email": user.email,
            "username": user.email,
        }

    assert changed.json() == body
    times = body.pop("createdAt"), body.pop("updatedAt")
    assert times[0] < times[1]
    assert sorted(body.pop("members"), key=str) == sorted([person(alice), person(bob)], key=str)
    assert body == {
        "id": use_case.pk,
        "name": "Help",
        "description": "For all",
        "created": person(alice),
        "updated": person(bob),
        "owners": [person(alice)],
        "datasetsCount": 1,
        "playgroundsCount": 1,
        "vectorDatabasesCount": 1,
        "modelsCount": 0,
        "projectsCount": 0,
        "filesCount": 0,
        "notebooksCount": 0,
        "applicationsCount": 0,
    }


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"description": "d"}, {"description": None}])
def test_a_name_is_given_where_there_is_none(api, body):
    response = api.post(URL, body)

    shown = response.json()
    assert response.status_code == 201
    found = re.fullmatch(r"Untitled Use Case (\d{4}-\d\d-\d\d)\b.*", shown["name"])
    assert found
    datetime.fromisoformat(found[1])
    assert shown["description"] == body.get("description")
    assert api.get(f"{URL}{shown['id']}/").json() == shown


def test_a_patch_changes_what_it_names(api, use_case):
    path = f"{URL}{use_case.pk}/"

    def patched(**body: Any) -> tuple[str, str | None]:
        shown = api.patch(path, body).json()
        return shown["name"], shown["description"]

    assert patched(description="For all") == ("Support", "For all")
    assert patched(name="Help") == ("Help", "For all")
    assert patched() == ("Help", "For all")
    assert patched(description=None) == ("Help", None)
    assert patched(description="x") == ("Help", "x")
    assert patched(description="") == ("Help", None)


@pytest.mark.parametrize("name", [None, 5, "x" * 201, "\x00", ""])
def test_a_name_is_not_taken_away(api, use_case, name):
    before = api.get(f"{URL}{use_case.pk}/").json()

    assert list(errors(api.patch(f"{URL}{use_case.pk}/", {"name": name}))) == ["name"]
    assert api.get(f"{URL}{use_case.pk}/").json() == before


def test_everything_wrong_is_told_at_once(api, use_case):
    wrong = {"name": 5, "description": ["a"]}

    for response in (api.post(URL, wrong), api.patch(f"{URL}{use_case.pk}/", wrong)):
        assert set(errors(response)) == {"name", "description"}


def test_what_is_inside_goes_with_it(api, use_case, prompt, database, dataset):
    elsewhere = api.post(URL, {"name": "Other"}).json()["id"]
    shared = api.post("datasets/fromURL/", {"url": "http://example.com/a.txt"}).json()["catalogId"]
    for one in (use_case.pk, elsewhere):
        assert api.post(f"{URL}{one}/datasets/{shared}/").status_code == 201

    assert api.delete(f"{URL}{use_case.pk}/").status_code == 204

    gone = (Playground, Chat, ChatPrompt, VectorDatabase)
    assert [model.objects.count() for model in gone] == [0] * 4
    assert list(Dataset.objects.values_list("pk", flat=True)) == [shared]
    assert list(UseCase.objects.values_list("pk", flat=True)) == [elsewhere]
    assert api.get(f"{URL}{use_case.pk}/").status_code == 404
    assert api.delete(f"{URL}{use_case.pk}/").status_code == 404


def test_a_dataset_has_a_place_in_a_use_case(api, alice, use_case):
    dataset = services.create_dataset(user=alice, name="Handbook")
    path = f"{URL}{use_case.pk}/datasets/{dataset.pk}/"

    first, again = api.post(path), api.post(path)

    assert (first.status_code, again.status_code) == (201, 201)
    body = first.json()
    assert body == again.json()
    assert datetime.fromisoformat(body.pop("createdAt")).utcoffset() is not None
    assert body == {
        "id": str(DatasetLink.objects.get().pk),
        "entityType": "dataset",
        "entityId": dataset.pk,
        "experimentContainerId": use_case.pk,
        "created": {
            "id": alice.pk,
            "fullName": "alice",
            "email": "alice@example.com",
            "username": "alice@example.com",
        },
        "isDeleted": False,
    }
    assert api.delete(path).content == b""
    assert Dataset.objects.filter(pk=dataset.pk).exists()
    assert api.delete(path).status_code == 404


@pytest.mark.parametrize("place", ["use case", "dataset"])
def test_nothing_is_linked_to_what_is_not_there(api, use_case, dataset, place):
    ids = {"use case": use_case.pk, "dataset": dataset.pk} | {place: "0" * 24}

    response = api.post(f"{URL}{ids['use case']}/datasets/{ids['dataset']}/")

    assert response.status_code == 404
    assert response.json() == {"message": f"{place.capitalize()} not found."}
