"""Embedding models that staff added, as the GenAI API offers them."""

from typing import Any

import pytest

from config.status import Status
from tests.api.conftest import problems
from vectordb.models import EmbeddingEntry, VectorDatabase

DATABASES = "genai/vectorDatabases/"


@pytest.fixture
def added(alice):
    """Makes a model that is ready to be chosen."""

    def add(name="lab/embedder", **changes):
        given: dict[str, Any] = {
            "kind": "endpoint",
            "source": "embedder",
            "base_url": "http://127.0.0.1:9/v1",
        }
        given |= {"status": Status.COMPLETED, "max_tokens": 512, "dimensions": 3}
        return EmbeddingEntry.objects.create(name=name, created_by=alice, **given | changes)

    return add


def offered(api):
    models = api.get(f"{DATABASES}supportedEmbeddings/").json()["embeddingModels"]
    return {model.pop("embeddingModel"): model for model in models}


def test_those_that_can_be_chosen_are_offered_after_the_packaged_one(api, added):
    added(is_multilingual=True, description="Ours")
    added("off", is_active=False)
    added("new", status=Status.NEW)
    added("bad", status=Status.ERROR)

    models = offered(api)

    assert list(models) == ["sentence-transformers/all-MiniLM-L6-v2", "lab/embedder"]
    assert models["lab/embedder"] == {
        "description": "Ours",
        "maxSequenceLength": 512,
        "languages": ["Many languages"],
    }


def test_how_each_can_cut_is_told(api, added):
    added("small", max_tokens=160)
    added("large", max_tokens=8_192)

    configs = api.get(f"{DATABASES}supportedTextChunkings/").json()["textChunkingConfigs"]

    sizes = {
        config["embeddingModel"]: (size["default"], size["min"], size["max"])
        for config in configs
        for size in [config["methods"][0]["chunkingParameters"][0]]
    }
    assert sizes == {
        "sentence-transformers/all-MiniLM-L6-v2": (256, 128, 256),
        "small": (160, 128, 160),
        "large": (256, 128, 512),
    }


def post(api, use_case, dataset, **parameters):
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk, "chunkingParameters": parameters}
    return api.post(DATABASES, body)


def test_a_database_is_made_with_one(api, use_case, dataset, added):
    added("small-one", max_tokens=160)

    made = post(api, use_case, dataset, embeddingModel="small-one")

    assert made.status_code == 202
    assert (made.json()["embeddingModel"], made.json()["chunkSize"]) == ("small-one", 160)
    assert VectorDatabase.objects.get().dimensions == 3
    too_long = post(api, use_case, dataset, embeddingModel="small-one", chunkSize=161)
    assert problems(too_long) == [(["body", "chunkingParameters", "chunkSize"], "value_error")]


@pytest.mark.parametrize("name", ["nobody", "a\0b", "\ud800", "x" * 10_000, ""])
def test_one_that_is_not_there_is_refused(api, use_case, dataset, name):
    refused = post(api, use_case, dataset, embeddingModel=name)

    expected = [(["body", "chunkingParameters", "embeddingModel"], "value_error")]
    assert (refused.status_code, problems(refused)) == (422, expected)


def test_one_that_was_switched_off_is_refused(api, use_case, dataset, added):
    added("was-on", is_active=False)

    refused = post(api, use_case, dataset, embeddingModel="was-on")

    assert refused.status_code == 422
    assert not VectorDatabase.objects.exists()
