"""Use cases, datasets and vector databases."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import UseCase
from config.status import Status
from tests.api.conftest import problems
from tests.vectordb import samples
from vectordb import services
from vectordb.models import Dataset, Document, VectorDatabase

USE_CASES = "useCases/"
DATASETS = "datasets/"
DATABASES = "genai/vectorDatabases/"


def text_file(name="oil.txt", content=b"The lamps burn rapeseed oil."):
    return SimpleUploadedFile(name, content)


# Use cases.


def test_a_use_case_may_come_without_a_name(api, alice):
    response = api.post(USE_CASES, {})

    body = response.json()
    assert response.status_code == 201
    assert body["name"].startswith("Untitled Use Case")
    assert body["description"] is None
    user = {
        "id": alice.pk,
        "fullName": "alice",
        "email": "alice@example.com",
        "username": "alice@example.com",
    }
    assert body["members"] == body["owners"] == [user]
    assert body["created"] == body["updated"] == user


def test_a_use_case_counts_what_is_in_it(api, use_case, playground, database, vera):
    body = api.get(f"{USE_CASES}{use_case.pk}/").json()

    assert (body["datasetsCount"], body["playgroundsCount"]) == (1, 1)
    assert body["vectorDatabasesCount"] == 1
    assert (len(body["members"]), len(body["owners"])) == (2, 1)
    nothing = ("modelsCount", "projectsCount", "filesCount", "notebooksCount", "applicationsCount")
    assert [body[name] for name in nothing] == [0] * 5


def test_use_cases_are_searched_and_sorted(api, use_case):
    api.post(USE_CASES, {"name": "Sales", "description": "d"})

    def names(**query):
        return [record["name"] for record in api.get(USE_CASES, query).json()["data"]]

    assert names() == ["Sales", "Support"]
    assert names(sort="-name") == ["Support", "Sales"]
    assert names(sort="createdAt") == ["Support", "Sales"]
    assert names(search="sUP") == ["Support"]


def test_platform_errors_have_a_message_and_a_text_for_each_field(api):
    response = api.post(USE_CASES, {"name": 5, "description": "a\x00"})

    assert response.status_code == 422
    assert response.json() == {
        "message": "The request is not valid.",
        "errors": {
            "name": "Input should be a valid string",
            "description": "Text must not contain NUL characters",
        },
    }


def test_a_deleted_use_case_takes_everything_inside_along(api, use_case, prompt, database, dataset):
    assert api.delete(f"{USE_CASES}{use_case.pk}/").status_code == 204

    assert not UseCase.objects.exists()
    assert not VectorDatabase.objects.exists()


def test_use_case_lists_take_a_constant_number_of_queries(
    api, use_case, vera, django_assert_max_num_queries
):
    for number in range(5):
        api.post(USE_CASES, {"name": str(number)})

    # token, count, page, memberships, their users
    with django_assert_max_num_queries(5):
        assert api.get(USE_CASES).json()["count"] == 6


# Datasets.


def test_an_uploaded_file_is_a_dataset(api):
    response = api.upload(text_file())

    dataset = Dataset.objects.get()
    assert response.status_code == 202
    assert response["Location"] == f"http://testserver/api/v2/status/{dataset.pk}/"
    assert response.json() == {
        "catalogId": dataset.pk,
        "catalogVersionId": dataset.pk,
        "statusId": dataset.pk,
    }
    shown = api.get(f"{DATASETS}{dataset.pk}/").json()
    assert shown["datasetId"] == dataset.pk
    assert shown["name"] == "oil.txt"
    assert (shown["rowCount"], shown["datasetSize"]) == (1, 28)
    assert shown["processingState"] == "COMPLETED"
    assert shown["isVectorDatabaseEligible"] is True


@pytest.mark.parametrize("name", ["/home/me/oil.txt", "C:\\me\\oil.txt", "../../oil.txt"])
def test_only_the_base_name_of_a_file_is_kept(api, name):
    boundary, crlf = "x" * 20, "\r\n"
    lines = [
        f"--{boundary}",
        f'Content-Disposition: form-data; name="file"; filename="{name}"',
        "Content-Type: text/plain",
        "",
        "The lamps burn rapeseed oil.",
        f"--{boundary}--",
        "",
    ]
    kind = f"multipart/form-data; boundary={boundary}"

    response = api.request("post", "datasets/fromFile/", data=crlf.join(lines), content_type=kind)

    assert response.status_code == 202, response.content
    assert Dataset.objects.get().name == "oil.txt"


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return SimpleUploadedFile("set.zip", buffer.getvalue())


def test_a_zip_is_a_set_of_documents_and_a_bad_one_fails_alone(api):
    archive = zipped(a__txt="Brass lamps.", b__md="# Oil", c__exe=b"MZ\x00\x01\x02")

    assert api.upload(archive).status_code == 202

    assert sorted(Document.objects.values_list("name", flat=True)) == ["a.txt", "b.md"]


@pytest.mark.parametrize(
    ("upload", "why"),
    [
        (text_file(content=b""), "oil.txt: This file is empty."),
        (SimpleUploadedFile("lamp.exe", b"MZ\x00\x01\x02"), "not supported"),
        (SimpleUploadedFile("lamp.pdf", b"MZ\x00\x01\x02"), "not supported"),
        (zipped(), "no file in this ZIP"),
        (SimpleUploadedFile("a.csv", b"a,b\n1,2" + b"x" * 25_000_000), "breaks off at line"),
        (SimpleUploadedFile("lamp.pdf", b"%PDF-1.7 and no more"), "lamp.pdf: This PDF is damaged"),
        (zipped(lamp__pdf=b"%PDF-1.7 and no more"), "lamp.pdf: This PDF is damaged"),
    ],
    ids=["empty", "unknown", "wrong extension", "empty archive", "endless cell", "damaged", "zip"],
)
def test_a_file_that_cannot_be_used_makes_a_failed_dataset_that_says_why(api, upload, why):
    response = api.upload(upload)

    assert response.status_code == 202
    dataset_id = response.json()["catalogId"]
    shown = api.get(f"{DATASETS}{dataset_id}/").json()
    assert (shown["processingState"], shown["rowCount"]) == ("ERROR", 0)
    assert why in shown["error"]
    assert shown["isVectorDatabaseEligible"] is False
    assert not Document.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_status_of_a_failed_upload_says_why_and_leads_nowhere(api):
    location = api.upload(text_file(content=b""))["Location"]

    status = api.get(location.removeprefix("http://testserver/api/v2/"))

    assert status.status_code == 200
    assert (status.json()["status"], status.json()["code"]) == ("ERROR", 1)
    assert status.json()["message"] == "oil.txt: This file is empty."


def test_what_was_left_out_of_an_upload_is_told(api):
    good = samples.pdf("Brass lamps.")
    archive = zipped(a__pdf=good, b__exe=b"MZ\x00", c__pdf=b"%PDF-1.7", d__docx=samples.word())
    dataset_id = api.upload(archive).json()["catalogId"]

    shown = api.get(f"{DATASETS}{dataset_id}/").json()
    assert shown["processingState"] == "COMPLETED"
    assert "b.exe: This is a program" in shown["error"]
    assert "c.pdf: This PDF is damaged" in shown["error"]
    assert sorted(Document.objects.values_list("name", flat=True)) == ["a.pdf", "d.docx"]


def test_a_thousand_bad_files_are_not_all_named(api):
    archive = zipped(**{f"f{number}__exe": b"MZ\x00" for number in range(30)})

    dataset_id = api.upload(archive).json()["catalogId"]

    error = api.get(f"{DATASETS}{dataset_id}/").json()["error"]
    assert error.count("a program") == 10
    assert error.endswith("And 20 more.")


def test_failed_datasets_can_be_left_out(api):
    api.upload(text_file())
    api.upload(text_file("empty.txt", b""))

    def names(**query):
        return [record["name"] for record in api.get(DATASETS, query).json()["data"]]

    assert names() == names(filterFailed="false") == ["empty.txt", "oil.txt"]
    assert names(filterFailed="true") == ["oil.txt"]


def test_a_good_file_makes_a_failed_dataset_good(api, alice):
    dataset_id = api.upload(text_file(content=b"")).json()["catalogId"]
    dataset = Dataset.objects.get(pk=dataset_id)

    services.add_files(dataset, user=alice, files=[text_file()])

    shown = api.get(f"{DATASETS}{dataset_id}/").json()
    assert (shown["processingState"], shown["error"]) == ("COMPLETED", "")


def test_an_upload_needs_a_file(api):
    assert api.upload().status_code == 422
    assert api.post("datasets/fromFile/", {}).status_code == 422
    broken = api.request(
        "post", "datasets/fromFile/", data=b"x", content_type="multipart/form-data"
    )
    assert broken.status_code == 422


def test_datasets_are_listed_by_use_case(api, use_case, dataset):
    api.upload(text_file("alone.txt"))

    def names(**query):
        return [record["name"] for record in api.get(DATASETS, query).json()["data"]]

    assert names() == ["alone.txt", "Handbook"]
    assert names(useCaseIds=[use_case.pk, "x"]) == ["Handbook"]
    assert names(useCaseIds="x") == []
    assert names(orderBy="name", filterFailed="true") == ["Handbook", "alone.txt"]
    assert names(category="TRAINING") == []
    assert api.get(DATASETS, {"category": "OTHER"}).status_code == 422
    assert api.get(DATASETS, {"orderBy": "size"}).status_code == 422


def test_a_dataset_is_linked_once_and_unlinked(api, use_case):
    dataset_id = api.upload(text_file()).json()["catalogId"]
    path = f"{USE_CASES}{use_case.pk}/datasets/{dataset_id}/"

    first = api.request("post", path)
    again = api.request("post", path)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.json()["entityType"] == "dataset"
    assert first.json()["entityId"] == dataset_id
    assert first.json()["experimentContainerId"] == use_case.pk
    assert api.delete(path).status_code == 204
    assert api.delete(path).status_code == 404
    assert api.get(f"{DATASETS}{dataset_id}/").status_code == 200


def test_a_dataset_is_renamed_and_said_to_be_for_something(api, dataset):
    path = f"{DATASETS}{dataset.pk}/"

    assert api.patch(path, {"name": "New"}).json()["name"] == "New"
    changed = api.patch(path, {"categories": ["TRAINING", "TRAINING"]})
    assert (changed.json()["name"], changed.json()["categories"]) == ("New", ["TRAINING"])
    both = api.get(DATASETS, {"category": "TRAINING"}).json()["data"]
    assert [record["datasetId"] for record in both] == [dataset.pk]
    assert api.get(DATASETS, {"category": "PREDICTION"}).json()["data"] == []
    assert api.patch(path, {}).json()["categories"] == ["TRAINING"]
    assert api.patch(path, {"categories": []}).json()["categories"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": None}, "name"),
        ({"categories": ["OTHER"]}, "categories.0"),
        ({"categories": "TRAINING"}, "categories"),
        ({"categories": ["TRAINING"] * 3}, "categories"),
        ({"categories": None}, "categories"),
    ],
)
def test_changes_of_a_dataset_are_checked(api, dataset, body, field):
    response = api.patch(f"{DATASETS}{dataset.pk}/", body)

    assert response.status_code == 422
    assert list(response.json()["errors"]) == [field]


def test_dataset_lists_take_a_constant_number_of_queries(api, django_assert_max_num_queries):
    for number in range(4):
        api.upload(text_file(f"{number}.txt"))

    with django_assert_max_num_queries(3):
        assert api.get(DATASETS).json()["count"] == 4


# Vector databases.


def test_a_vector_database_is_accepted_with_all_its_fields(api, use_case, dataset, alice):
    response = api.post(
        DATABASES,
        {
            "datasetId": dataset.pk,
            "useCaseId": use_case.pk,
            "chunkingParameters": {
                "embeddingModel": "sentence-transformers/all-MiniLM-L6-v2",
                "chunkingMethod": "recursive",
                "chunkSize": 128,
                "chunkOverlapPercentage": 50,
                "separators": ["\n", ""],
                "isSeparatorRegex": False,
            },
        },
    )

    body = response.json()
    assert response.status_code == 202, body
    assert response["Location"] == f"http://testserver/api/v2/genai/status/{body['id']}/"
    assert body["name"] == "Vector Database for Handbook"
    assert body["executionStatus"] == "NEW"
    assert (body["chunkSize"], body["chunkOverlapPercentage"]) == (128, 50)
    assert body["separators"] == ["\n", ""]
    assert (body["size"], body["chunksCount"], body["playgroundsCount"]) == (0, 0, 0)
    assert (body["datasetId"], body["datasetName"]) == (dataset.pk, "Handbook")
    assert body["familyId"] == body["id"]
    assert (body["version"], body["parentId"], body["source"]) == (1, None, "DataRobot")
    assert body["errorMessage"] is None
    assert body["organizationId"]
    assert body["tenantId"]
    assert body == api.get(f"{DATABASES}{body['id']}/").json()


@pytest.mark.parametrize(
    "parameters", [None, {}, {"chunkSize": None, "separators": None}, {"separators": []}]
)
def test_chunking_has_defaults(api, use_case, dataset, parameters):
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "chunkingParameters": parameters}

    shown = api.post(DATABASES, body).json()

    assert (shown["chunkSize"], shown["chunkOverlapPercentage"]) == (256, 0)
    assert shown["separators"] == ["\n\n", "\n", " ", ""]


@pytest.mark.parametrize(
    ("parameters", "field", "kind"),
    [
        ({"chunkSize": 127}, "chunkSize", "greater_than_equal"),
        ({"chunkSize": 257}, "chunkSize", "value_error"),
        ({"chunkSize": "128"}, "chunkSize", "int_type"),
        ({"chunkOverlapPercentage": -1}, "chunkOverlapPercentage", "greater_than_equal"),
        ({"chunkOverlapPercentage": 51}, "chunkOverlapPercentage", "less_than_equal"),
        ({"embeddingModel": "unknown"}, "embeddingModel", "value_error"),
        ({"chunkingMethod": "Semantic"}, "chunkingMethod", "enum"),
        ({"separators": "a"}, "separators", "list_type"),
        ({"separators": ["a"] * 21}, "separators", "value_error"),
        ({"separators": ["a" * 101]}, "separators", "value_error"),
        ({"separators": ["("], "isSeparatorRegex": True}, "separators", "value_error"),
        ({"separators": ["(a)"], "isSeparatorRegex": True}, "separators", "value_error"),
        ({"separators": ["a{9999999999}"], "isSeparatorRegex": True}, "separators", "value_error"),
        ({"isSeparatorRegex": "True"}, "isSeparatorRegex", "bool_type"),
        ({"customChunking": 1}, "customChunking", "bool_type"),
        ({"embeddingValidationId": "a"}, "embeddingValidationId", "value_error"),
    ],
)
def test_chunking_is_checked(api, use_case, dataset, parameters, field, kind):
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "chunkingParameters": parameters}

    assert problems(api.post(DATABASES, body)) == [(["body", "chunkingParameters", field], kind)]
    assert not VectorDatabase.objects.exists()


def test_a_wrong_separator_is_pointed_at(api, use_case, dataset):
    body = {
        "datasetId": dataset.pk,
        "useCaseId": use_case.pk,
        "chunkingParameters": {"separators": ["a", 5]},
    }

    assert problems(api.post(DATABASES, body)) == [
        (["body", "chunkingParameters", "separators", 1], "string_type")
    ]


def test_an_empty_dataset_is_refused(api, alice, use_case):
    empty = Dataset.objects.create(name="Empty", created_by=alice)

    response = api.post(DATABASES, {"datasetId": empty.pk, "useCaseId": use_case.pk})

    assert problems(response) == [(["body", "datasetId"], "value_error")]


@pytest.mark.parametrize(
    "unused",
    [
        {"chunkingMethod": "recursive"},
        {"chunkSize": 128},
        {"chunkOverlapPercentage": 0},
        {"separators": ["\n"]},
        {"isSeparatorRegex": True},
    ],
    ids=lambda unused: next(iter(unused)),
)
def test_finished_chunks_are_not_cut(api, use_case, dataset, unused):
    parameters = {"customChunking": True, **unused}
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "chunkingParameters": parameters}

    loc = ["body", "chunkingParameters", next(iter(unused))]
    assert problems(api.post(DATABASES, body)) == [(loc, "value_error")]


def test_all_that_finished_chunks_do_not_need_is_told_at_once(api, use_case, dataset):
    parameters = {"customChunking": True, "chunkSize": 128, "separators": ["a"]}
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "chunkingParameters": parameters}

    assert [loc[-1] for loc, _ in problems(api.post(DATABASES, body))] == [
        "chunkSize",
        "separators",
    ]


@pytest.mark.parametrize(
    ("unused", "field"),
    [
        ({"separators": ["\n"]}, "separators"),
        ({"isSeparatorRegex": True}, "isSeparatorRegex"),
        ({"chunkOverlapPercentage": 1}, "chunkOverlapPercentage"),
    ],
)
def test_the_semantic_method_neither_separates_nor_overlaps(api, use_case, dataset, unused, field):
    parameters = {"chunkingMethod": "semantic", **unused}
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "chunkingParameters": parameters}

    loc = ["body", "chunkingParameters", field]
    assert problems(api.post(DATABASES, body)) == [(loc, "value_error")]


def test_the_semantic_method_is_accepted(api, use_case, dataset):
    parameters = {"chunkingMethod": "semantic", "chunkSize": 128, "chunkOverlapPercentage": 0}
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "chunkingParameters": parameters}

    shown = api.post(DATABASES, body).json()

    assert (shown["chunkingMethod"], shown["chunkSize"]) == ("semantic", 128)
    assert (shown["chunkOverlapPercentage"], shown["separators"]) == (0, None)


def test_chunks_can_end_where_sections_do(api, use_case, dataset):
    parameters: dict[str, object] = {"chunkingMethod": "structure", "separators": ["\n", ""]}
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "chunkingParameters": parameters}

    shown = api.post(DATABASES, body).json()

    assert (shown["chunkingMethod"], shown["separators"]) == ("structure", ["\n", ""])
    parameters["chunkOverlapPercentage"] = 10
    loc = ["body", "chunkingParameters", "chunkOverlapPercentage"]
    assert problems(api.post(DATABASES, body)) == [(loc, "value_error")]


def test_separators_may_be_patterns(api, use_case, dataset):
    parameters = {"separators": ["(?:\\d+)\\.", "(?<=,)", ""], "isSeparatorRegex": True}
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "chunkingParameters": parameters}

    shown = api.post(DATABASES, body).json()

    assert shown["separators"] == parameters["separators"]
    assert shown["isSeparatorRegex"] is True


def test_vector_databases_are_filtered_and_sorted(
    api, use_case, dataset, database, playground, blueprint
):
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "name": "Another"}
    other = api.post(DATABASES, body).json()["id"]
    api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {"vectorDatabaseId": database.pk})

    def found(**query):
        return [record["id"] for record in api.get(DATABASES, query).json()["data"]]

    assert found() == [other, database.pk]
    assert found(completedOnly="True") == [database.pk]
    assert found(completedOnly="False", parentsOnly="True") == [other, database.pk]
    assert found(search="NOTHER") == [other]
    assert found(playgroundId=playground.pk) == [database.pk]
    assert found(familyId=other) == [other]
    assert found(useCaseId=["x", use_case.pk]) == [other, database.pk]
    assert found(useCaseId="x") == []
    assert found(sort="-playgroundsCount") == [database.pk, other]
    assert found(sort="name") == [other, database.pk]
    for name in ("creationUserId", "size", "userName", "datasetName", "source", "chunksCount"):
        assert len(found(sort=name)) == 2


def test_vector_database_lists_take_a_constant_number_of_queries(
    api, use_case, dataset, database, django_assert_max_num_queries
):
    for parent in (None, database.pk, None):
        body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "parentVectorDatabaseId": parent}
        assert api.post(DATABASES, body).status_code == 202

    # token, count, page
    with django_assert_max_num_queries(3):
        assert api.get(DATABASES).json()["count"] == 4


def test_it_counts_the_playgrounds_that_use_it_now(api, database, blueprint):
    path = f"genai/llmBlueprints/{blueprint.pk}/"

    def count():
        return api.get(f"{DATABASES}{database.pk}/").json()["playgroundsCount"]

    api.patch(path, {"vectorDatabaseId": database.pk})
    assert count() == 1
    api.patch(path, {"vectorDatabaseId": None})
    assert count() == 0


def test_a_cancelled_build_is_shown_as_failed(api, database):
    VectorDatabase.objects.update(status=Status.CANCELLED)

    body = api.get(f"{DATABASES}{database.pk}/").json()

    assert body["executionStatus"] == "ERROR"
    assert "cancelled" in body["errorMessage"]


def test_supported_embeddings_name_the_default(api):
    body = api.get(f"{DATABASES}supportedEmbeddings/").json()

    (model,) = body["embeddingModels"]
    assert model["embeddingModel"] == body["defaultEmbeddingModel"]
    assert model["maxSequenceLength"] == 256
    assert model["languages"] == ["English"]
    assert body["customModelEmbeddingValidations"] == body["openaiEmbeddingValidations"] == []


def test_supported_chunkings_tell_the_bounds(api):
    (config,) = api.get(f"{DATABASES}supportedTextChunkings/").json()["textChunkingConfigs"]

    method, semantic, structure = config["methods"]
    assert semantic["chunkingMethod"] == "semantic"
    assert [one["name"] for one in semantic["chunkingParameters"]] == ["chunk_size"]
    assert structure["chunkingMethod"] == "structure"
    assert [one["name"] for one in structure["chunkingParameters"]] == ["chunk_size", "separators"]
    bounds = {
        parameter["name"]: (parameter["default"], parameter["min"], parameter["max"])
        for parameter in method["chunkingParameters"]
    }
    assert config["defaultMethod"] == method["chunkingMethod"] == "recursive"
    assert bounds == {
        "chunk_size": (256, 128, 256),
        "chunk_overlap_percentage": (0, 0, 50),
        "separators": (["\n\n", "\n", " ", ""], None, None),
    }


def test_supported_retrieval_settings_tell_the_bounds(api):
    settings = api.get(f"{DATABASES}supportedRetrievalSettings/").json()["settings"]

    by_name = {setting["name"]: setting for setting in settings}
    assert by_name["max_documents_retrieved_per_prompt"]["default"] == 4
    bounds = {name: (one["minimum"], one["maximum"]) for name, one in by_name.items()}
    assert bounds["max_documents_retrieved_per_prompt"] == (1, 10)
    assert bounds["max_tokens"] == (1, 51_200)
    assert by_name["add_neighbor_chunks"]["default"] is False
    assert by_name["retriever"]["enum"] == [
        "SINGLE_LOOKUP_RETRIEVER",
        "CONVERSATIONAL_RETRIEVER",
        "MULTI_STEP_RETRIEVER",
    ]
    assert by_name["retrieval_mode"]["enum"] == ["similarity", "maximal_marginal_relevance"]
    (variety,) = by_name["retrieval_mode"]["settings"]
    assert variety["name"] == "maximal_marginal_relevance_lambda"
    assert (variety["minimum"], variety["maximum"]) == (0, 1)
    assert not any(isinstance(setting["default"], float) for setting in (*settings, variety))


def test_supported_embeddings_may_be_asked_for_a_dataset(api, dataset, use_case):
    query = {"datasetId": dataset.pk, "useCaseId": use_case.pk}

    assert api.get(f"{DATABASES}supportedEmbeddings/", query).status_code == 200
