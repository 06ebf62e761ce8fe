"""Versions of a vector database: one family, numbered, added to or made anew."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.services import create_use_case
from blueprints.models import Blueprint
from config.status import Status
from playground.models import Playground
from tests.api.conftest import problems
from vectordb import ingest, services
from vectordb.models import Chunk, Dataset, VectorDatabase

DATABASES = "genai/vectorDatabases/"


@pytest.fixture
def more(alice, use_case) -> Dataset:
    dataset = services.create_dataset(user=alice, name="More", use_case=use_case)
    text = SimpleUploadedFile("boat.txt", b"The boat sails on Tuesdays.")
    services.add_files(dataset, user=alice, files=[text])
    return dataset


@pytest.fixture
def make(api, use_case, more):
    """Posts a version of `parent`; of `more` unless told otherwise."""

    def make_version(parent, **body):
        body = {
            "datasetId": more.pk,
            "useCaseId": use_case.pk,
            "parentVectorDatabaseId": parent,
            **body,
        }
        return api.post(DATABASES, body)

    return make_version


def texts_of(database_id: str) -> list[str]:
    ingest.ingest(database_id)
    chunks = Chunk.objects.filter(vector_database_id=database_id)
    return list(chunks.values_list("text", flat=True))


OLD, NEW = "The lamps burn rapeseed oil.", "The boat sails on Tuesdays."


def test_a_dataset_is_added_to_what_the_parent_is_made_of(make, database, dataset, more):
    VectorDatabase.objects.update(chunk_size=200, chunk_overlap_percentage=10)

    response = make(database.pk)

    body = response.json()
    assert response.status_code == 202
    assert (body["parentId"], body["familyId"], body["version"]) == (database.pk, database.pk, 2)
    assert (body["chunkSize"], body["chunkOverlapPercentage"]) == (200, 10)
    assert (body["datasetId"], body["datasetName"]) == (dataset.pk, "Handbook")
    assert (body["addedDatasetIds"], body["addedDatasetNames"]) == ([more.pk], ["More"])
    assert body["name"] == "Vector Database for Handbook"
    assert texts_of(body["id"]) == [OLD, NEW]


def test_with_parameters_it_is_made_anew_of_the_dataset_alone(make, database, more):
    body = make(database.pk, chunkingParameters={"chunkSize": 128}).json()

    assert (body["parentId"], body["familyId"], body["version"]) == (database.pk, database.pk, 2)
    assert (body["datasetId"], body["chunkSize"]) == (more.pk, 128)
    assert (body["addedDatasetIds"], body["addedDatasetNames"]) == ([], [])
    assert texts_of(body["id"]) == [NEW]


def test_the_parents_own_dataset_brings_what_was_added_to_it(make, alice, database, dataset):
    fresh = SimpleUploadedFile("fresh.txt", b"Fresh words.")
    services.add_files(dataset, user=alice, files=[fresh])

    body = make(database.pk, datasetId=dataset.pk).json()

    assert body["addedDatasetIds"] == []
    assert texts_of(body["id"]) == [OLD, "Fresh words."]


def test_versions_of_versions_add_up(api, make, alice, use_case, database, more):
    second = make(database.pk).json()["id"]
    again = make(second).json()
    other = make(database.pk).json()

    assert (again["version"], again["parentId"]) == (3, second)
    assert again["addedDatasetIds"] == [more.pk]
    assert (other["version"], other["parentId"]) == (4, database.pk)

    def found(**query):
        return [record["version"] for record in api.get(DATABASES, query).json()["data"]]

    assert found(familyId=database.pk) == [4, 3, 2, 1]
    assert found(familyId=second) == []
    assert found(parentsOnly="True") == [1]
    api.delete(f"{DATABASES}{second}/")
    assert api.get(f"{DATABASES}{again['id']}/").json()["parentId"] is None
    assert found(familyId=database.pk) == [4, 3, 1]


def test_nothing_is_added_to_what_was_deleted(make, alice, database, dataset):
    services.delete_dataset(dataset, user=alice)

    assert problems(make(database.pk)) == [(["body", "datasetId"], "value_error")]
    assert make(database.pk, chunkingParameters={}).status_code == 202


def test_nothing_is_added_when_an_added_dataset_was_deleted(make, alice, database, more, dataset):
    second = make(database.pk).json()["id"]
    services.delete_dataset(more, user=alice)

    response = make(second, datasetId=dataset.pk)

    assert problems(response) == [(["body", "datasetId"], "value_error")]


def test_a_parent_must_be_there_and_in_the_same_use_case(api, make, alice, bob_api, database):
    elsewhere = create_use_case(user=alice, name="Elsewhere")

    assert make("0" * 24).status_code == 404
    assert make("0" * 24).json() == {"detail": "Parent vector database not found."}
    assert problems(make(database.pk, useCaseId=elsewhere.pk)) == [
        (["body", "parentVectorDatabaseId"], "value_error")
    ]
    assert problems(make(5)) == [(["body", "parentVectorDatabaseId"], "string_type")]
    assert problems(make(None, updateLlmBlueprints="yes", updateDeployments=1)) == [
        (["body", "updateDeployments"], "bool_type"),
        (["body", "updateLlmBlueprints"], "bool_type"),
    ]
    assert VectorDatabase.objects.count() == 1


def test_a_strangers_database_is_no_parent(bob, bob_api, database):
    theirs = create_use_case(user=bob, name="Theirs")
    dataset = services.create_dataset(user=bob, use_case=theirs)
    services.add_files(dataset, user=bob, files=[SimpleUploadedFile("a.txt", b"words")])
    body = {
        "datasetId": dataset.pk,
        "useCaseId": theirs.pk,
        "parentVectorDatabaseId": database.pk,
    }

    assert bob_api.post(DATABASES, body).status_code == 404


@pytest.fixture
def blueprint_of(api, playground: Playground, llm):
    """Makes a blueprint with this vector database."""

    def make_blueprint(name, database, **more):
        body = {
            "playgroundId": playground.pk,
            "name": name,
            "llmId": llm.pk,
            "vectorDatabaseId": database,
        }
        blueprint = api.post("genai/llmBlueprints/", body).json()["id"]
        if more:
            assert api.patch(f"genai/llmBlueprints/{blueprint}/", more).status_code == 200
        return blueprint

    return make_blueprint


def test_drafts_follow_once_the_version_is_complete(api, make, database, blueprint_of):
    draft = blueprint_of("Draft", database.pk)
    saved = blueprint_of("Saved", database.pk, isSaved=True)
    chat = api.post("genai/chats/", {"llmBlueprintId": draft, "name": "a"}).json()["id"]

    def database_of(blueprint):
        return api.get(f"genai/llmBlueprints/{blueprint}/").json()["vectorDatabaseId"]

    version = make(database.pk, updateLlmBlueprints=True, updateDeployments=True).json()["id"]
    assert database_of(draft) == database.pk
    ingest.ingest(version)

    assert (database_of(draft), database_of(saved)) == (version, database.pk)
    asked = api.post("genai/chatPrompts/", {"text": "Which oil?", "chatId": chat})
    assert asked.json()["vectorDatabaseId"] == version


def test_nothing_follows_unasked_or_to_a_version_that_failed(api, make, database, blueprint_of):
    draft = blueprint_of("Draft", database.pk)
    ingest.ingest(make(database.pk).json()["id"])
    broken = make(database.pk, updateLlmBlueprints=True).json()["id"]
    VectorDatabase.objects.get(pk=broken).ingestions.update(status=Status.ERROR)
    ingest.ingest(broken)

    assert VectorDatabase.objects.get(pk=broken).status == Status.ERROR
    shown = api.get(f"genai/llmBlueprints/{draft}/").json()
    assert shown["vectorDatabaseId"] == database.pk


def test_a_blueprint_that_cannot_follow_stops_no_other(api, make, alice, database, blueprint_of):
    stuck, free = blueprint_of("Stuck", database.pk), blueprint_of("Free", database.pk)
    version = make(database.pk, updateLlmBlueprints=True).json()["id"]
    # Its LLM is gone.
    Blueprint.objects.get(pk=stuck).versions.update(llm=None, saved_llm_id="gone")
    ingest.ingest(version)

    shown = {name: api.get(f"genai/llmBlueprints/{name}/").json() for name in (stuck, free)}
    assert shown[stuck]["vectorDatabaseId"] == database.pk
    assert shown[free]["vectorDatabaseId"] == version
    assert VectorDatabase.objects.get(pk=version).status == Status.COMPLETED
