"""The fields of vector databases, their lists, and what is possible."""

import pytest

from config.status import Status
from tests.api.conftest import problems
from vectordb.models import Dataset, VectorDatabase

DATABASES = "genai/vectorDatabases/"


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
