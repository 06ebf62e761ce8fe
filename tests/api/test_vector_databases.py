"""Vector databases: what they are made from, every field they are shown with, what is refused."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.status import Status
from tests.api.conftest import problems
from vectordb import ingest, services
from vectordb.models import Dataset, VectorDatabase

DATABASES = "genai/vectorDatabases/"
NOTHING = "0" * 24


@pytest.fixture
def body(use_case, dataset) -> dict[str, Any]:
    return {"datasetId": dataset.pk, "useCaseId": use_case.pk}


def shown(api, database: VectorDatabase) -> dict[str, Any]:
    response = api.get(f"{DATABASES}{database.pk}/")
    assert response.status_code == 200, response.content
    return dict(response.json())


def test_it_has_all_its_fields_and_no_others(api, alice, use_case, dataset, body):
    made = api.post(DATABASES, body | {"name": "Lamps"}).json()
    ingest.ingest(made["id"])

    found = shown(api, VectorDatabase.objects.get())

    assert found.pop("creationDate").endswith("Z")
    assert found.pop("lastUpdateDate").endswith("Z")
    assert found.pop("size") > 0
    assert found.pop("organizationId") == found.pop("tenantId") != ""
    assert found == {
        "id": made["id"],
        "name": "Lamps",
        "useCaseId": use_case.pk,
        "datasetId": dataset.pk,
        "datasetName": "Handbook",
        "executionStatus": "COMPLETED",
        "errorMessage": None,
        "chunksCount": 1,
        "playgroundsCount": 0,
        "embeddingModel": "sentence-transformers/all-MiniLM-L6-v2",
        "chunkingMethod": "recursive",
        "chunkSize": 256,
        "chunkOverlapPercentage": 0,
        "separators": ["\n\n", "\n", " ", ""],
        "isSeparatorRegex": False,
        "customChunking": False,
        "familyId": made["id"],
        "parentId": None,
        "version": 1,
        "source": "DataRobot",
        "creationUserId": alice.pk,
        "userName": "alice",
        "validationId": None,
        "embeddingValidationId": None,
        "metadataDatasetId": None,
        "metadataDatasetName": None,
        "metadataColumns": [],
        "metadataCombinationStrategy": None,
        "externalVectorDatabaseConnection": None,
        "addedDatasetIds": [],
        "addedDatasetNames": [],
        "addedMetadataDatasetPairs": None,
    }


def test_a_dataset_and_a_use_case_are_needed(api, llm):
    assert problems(api.post(DATABASES, {})) == [
        (["body", "datasetId"], "missing"),
        (["body", "useCaseId"], "missing"),
    ]


@pytest.mark.parametrize("field", ["datasetId", "useCaseId"])
def test_what_it_is_made_from_must_be_there(api, body, field):
    missing = api.post(DATABASES, body | {field: NOTHING})

    assert (missing.status_code, VectorDatabase.objects.count()) == (404, 0)
    for value in (None, 5, ["a"]):
        refused = api.post(DATABASES, body | {field: value})
        assert problems(refused) == [(["body", field], "string_type")]


@pytest.mark.parametrize("name", [None, "", "  "])
def test_without_a_name_it_is_called_by_its_dataset(api, body, name):
    assert api.post(DATABASES, body | {"name": name}).json()["name"] == (
        "Vector Database for Handbook"
    )


@pytest.mark.parametrize("name", ["ß", "x" * 200, " Two  words \n", "„Öl“ 🪔"])
def test_a_name_is_kept_verbatim(api, body, database, name):
    assert api.post(DATABASES, body | {"name": name}).json()["name"] == name
    assert api.patch(f"{DATABASES}{database.pk}/", {"name": name}).json()["name"] == name
    assert shown(api, database)["name"] == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [("x" * 201, "string_too_long"), (5, "string_type"), ("a\x00", "value_error")],
)
def test_other_names_are_refused(api, body, database, name, kind):
    for refused in (
        api.post(DATABASES, body | {"name": name}),
        api.patch(f"{DATABASES}{database.pk}/", {"name": name}),
    ):
        assert problems(refused) == [(["body", "name"], kind)]


@pytest.mark.parametrize(
    ("name", "kind"), [("", "string_too_short"), ("  ", "value_error"), (None, "string_type")]
)
def test_a_name_is_not_taken_away(api, database, name, kind):
    refused = api.patch(f"{DATABASES}{database.pk}/", {"name": name})

    assert problems(refused) == [(["body", "name"], kind)]
    assert shown(api, database)["name"] == "Vector Database for Handbook"


def test_an_empty_change_changes_nothing(api, database):
    before = shown(api, database)

    for change in ({}, {"credentialId": None}, {"unknown": 1}):
        assert api.patch(f"{DATABASES}{database.pk}/", change).json() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("metadataDatasetId", NOTHING),
        ("metadataCombinationStrategy", "replace"),
        ("externalVectorDatabaseConnection", {"type": "pinecone"}),
    ],
)
def test_what_is_not_built_yet_is_refused_not_ignored(api, body, field, value):
    assert problems(api.post(DATABASES, body | {field: value})) == [
        (["body", field], "value_error")
    ]
    assert api.post(DATABASES, body | {field: None}).status_code == 202


def test_no_credentials_are_kept(api, database):
    refused = api.patch(f"{DATABASES}{database.pk}/", {"credentialId": NOTHING})

    assert problems(refused) == [(["body", "credentialId"], "value_error")]


@pytest.mark.parametrize(
    "parameters",
    [
        {"chunkSize": 128},
        {"chunkSize": 256},
        {"chunkSize": 200.0},
        {"chunkOverlapPercentage": 0},
        {"chunkOverlapPercentage": 50},
        {"separators": ["x" * 100] * 20},
        {"separators": [""]},
        {"chunkingMethod": "recursive"},
        {"isSeparatorRegex": False},
        {"customChunking": False},
    ],
)
def test_chunking_has_bounds_that_are_allowed_themselves(api, body, parameters):
    [(field, value)] = parameters.items()

    made = api.post(DATABASES, body | {"chunkingParameters": parameters}).json()

    assert made[field] == value
    assert shown(api, VectorDatabase.objects.get())[field] == value


@pytest.mark.parametrize("parameters", [[], "recursive", 5])
def test_chunking_parameters_are_an_object(api, body, parameters):
    assert problems(api.post(DATABASES, body | {"chunkingParameters": parameters})) == [
        (["body", "chunkingParameters"], "model_attributes_type")
    ]


def test_of_finished_chunks_it_does_not_say_how_they_were_cut(api, body):
    made = api.post(DATABASES, body | {"chunkingParameters": {"customChunking": True}}).json()

    assert made["customChunking"] is True
    assert made["embeddingModel"] == "sentence-transformers/all-MiniLM-L6-v2"
    for field in ("chunkingMethod", "chunkSize", "chunkOverlapPercentage", "separators"):
        assert made[field] is None, field
    assert made["isSeparatorRegex"] is False


def test_it_outlives_its_dataset_and_still_names_it(api, alice, database, dataset):
    services.delete_dataset(dataset, user=alice)

    found = shown(api, database)

    assert (found["datasetId"], found["datasetName"]) == (None, "Handbook")
    assert found["executionStatus"] == "COMPLETED"


def test_documents_without_text_make_it_fail_with_a_message(api, alice, use_case):
    blank = services.create_dataset(user=alice, name="Blank", use_case=use_case)
    services.add_files(blank, user=alice, files=[SimpleUploadedFile("blank.txt", b" \n \n")])
    made = api.post(DATABASES, {"datasetId": blank.pk, "useCaseId": use_case.pk}).json()
    ingest.ingest(made["id"])

    found = shown(api, VectorDatabase.objects.get())

    assert (found["executionStatus"], found["chunksCount"]) == ("ERROR", 0)
    assert found["errorMessage"]


@pytest.mark.parametrize("status", [Status.NEW, Status.RUNNING, Status.COMPLETED, Status.ERROR])
def test_its_status_is_told_in_these_words(api, database, status):
    VectorDatabase.objects.update(status=status)

    assert shown(api, database)["executionStatus"] == str(status)
    listed = api.get(DATABASES, {"completedOnly": "True"}).json()["data"]
    assert len(listed) == (status == Status.COMPLETED)


def test_a_filter_of_flags_reads_words(api, database):
    for name in ("parentsOnly", "completedOnly"):
        for word in ("True", "false", "1", "0"):
            assert api.get(DATABASES, {name: word}).json()["count"] == 1
        assert problems(api.get(DATABASES, {name: "yes"})) == [(["query", name], "bool_parsing")]


def test_use_cases_to_list_may_be_several(api, alice, use_case, database):
    other = api.post("useCases/", {"name": "Other"}).json()["id"]
    elsewhere = services.create_dataset(user=alice, name="Elsewhere")
    services.add_files(elsewhere, user=alice, files=[SimpleUploadedFile("a.txt", b"words")])
    theirs = api.post(DATABASES, {"datasetId": elsewhere.pk, "useCaseId": other}).json()["id"]

    def found(*use_cases):
        query = {"useCaseId": list(use_cases)}
        return [one["id"] for one in api.get(DATABASES, query).json()["data"]]

    assert found(other) == [theirs]
    assert found(use_case.pk) == [database.pk]
    assert found(use_case.pk, other) == [theirs, database.pk]
    both = {"useCaseId": other, "familyId": database.pk}
    assert api.get(DATABASES, both).json()["data"] == []


def test_a_deleted_one_is_gone_and_its_dataset_stays(api, database, dataset):
    path = f"{DATABASES}{database.pk}/"

    response = api.delete(path)

    assert (response.status_code, response.content) == (204, b"")
    assert [api.get(path).status_code, api.delete(path).status_code] == [404, 404]
    assert Dataset.objects.get() == dataset


def test_what_can_be_chosen_is_told_in_words(api):
    embeddings = api.get(f"{DATABASES}supportedEmbeddings/").json()
    assert set(embeddings) == {
        "embeddingModels",
        "defaultEmbeddingModel",
        "customModelEmbeddingValidations",
        "openaiEmbeddingValidations",
    }
    [model] = embeddings["embeddingModels"]
    assert set(model) == {"embeddingModel", "description", "maxSequenceLength", "languages"}
    chunkings = api.get(f"{DATABASES}supportedTextChunkings/").json()["textChunkingConfigs"]
    methods = [method for config in chunkings for method in config["methods"]]
    parameters = [one for method in methods for one in method["chunkingParameters"]]
    settings = api.get(f"{DATABASES}supportedRetrievalSettings/").json()["settings"]
    for one in [model, *methods, *parameters, *settings]:
        assert one["description"].strip()
    for one in [*parameters, *settings]:
        assert one["name"]
        assert one["type"]
    assert all(one["title"] for one in settings)
