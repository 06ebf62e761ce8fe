"""Datasets: each field, each kind of file, each filter."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.status import Status
from tests.vectordb import samples
from vectordb.models import Dataset

URL = "datasets/"
TABLE = b"document,document_file_path\nThe lamps burn oil.,a.txt\nThe boat sails.,b.txt\n"


def uploaded(api: Any, name: str, content: bytes) -> dict[str, Any]:
    response = api.upload(SimpleUploadedFile(name, content))
    assert response.status_code == 202, response.content
    shown: dict[str, Any] = api.get(f"{URL}{response.json()['catalogId']}/").json()
    return shown


def test_a_dataset_has_all_its_fields(api):
    body = uploaded(api, "lamps.csv", TABLE)

    dataset = Dataset.objects.get()
    assert body.pop("creationDate") <= body.pop("lastModificationDate")
    assert body == {
        "datasetId": dataset.pk,
        "versionId": dataset.pk,
        "name": "lamps.csv",
        "categories": [],
        "createdBy": "alice",
        "lastModifierFullName": "alice",
        "datasetSize": len(TABLE),
        "rowCount": 2,
        "sampleSize": None,
        "processingState": "COMPLETED",
        "dataSourceType": "file",
        "uri": "lamps.csv",
        "error": "",
        "isLatestVersion": True,
        "isSnapshot": True,
        "dataPersisted": True,
        "isDataEngineEligible": False,
        "isVectorDatabaseEligible": True,
        "isPlaygroundEvaluationDatasetEligible": True,
    }


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.NEW, "NEW"),
        (Status.RUNNING, "RUNNING"),
        (Status.COMPLETED, "COMPLETED"),
        (Status.ERROR, "ERROR"),
    ],
)
def test_a_dataset_tells_how_far_it_is(api, dataset, status, word):
    Dataset.objects.update(status=status)

    assert api.get(f"{URL}{dataset.pk}/").json()["processingState"] == word


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.txt", b"The lamps burn oil.", 1),
        ("a.md", b"# Lamps", 1),
        ("a.html", b"<p>Lamps</p>", 1),
        ("a.pdf", samples.pdf("Lamps", "Boats"), 1),
        ("a.docx", samples.word(), 1),
        ("a.csv", TABLE, 2),
        ("a.zip", samples.archive({"one.txt": b"One", "deep/two.md": b"# Two"}), 2),
    ],
    ids=["txt", "md", "html", "pdf", "docx", "csv", "zip"],
)
def test_files_of_these_kinds_are_taken(api, name, content, rows):
    shown = uploaded(api, name, content)

    assert (shown["processingState"], shown["rowCount"]) == ("COMPLETED", rows)
    assert shown["isVectorDatabaseEligible"] is True


def test_files_of_an_archive_are_known_by_their_paths(api):
    members = {"one.txt": b"One", "deep/er/two.md": b"# Two", "deep/": b"", ".hidden.txt": b"No"}
    shown = uploaded(api, "set.zip", samples.archive(members))

    answer = api.get(f"{URL}{shown['datasetId']}/file/")
    text = b"".join(answer.streaming_content).decode()
    assert [line.rpartition(",")[2].strip() for line in text.splitlines()[1:] if "," in line] == [
        "one.txt",
        "deep/er/two.md",
    ]


@pytest.mark.parametrize("word", ["TRAINING", "PREDICTION"])
def test_categories_are_kept_and_found(api, dataset, word):
    uploaded(api, "other.txt", b"Other")
    path = f"{URL}{dataset.pk}/"

    patched = api.patch(path, {"categories": [word]}).json()

    assert patched == api.get(path).json()
    assert (patched["name"], patched["categories"]) == ("Handbook", [word])
    found = api.get(URL, {"category": word}).json()["data"]
    assert [one["datasetId"] for one in found] == [dataset.pk]


def test_filters_combine(api, use_case, dataset):
    Dataset.objects.update(categories=["TRAINING"])
    uploaded(api, "other.txt", b"Other")

    def count(**query: Any) -> int:
        return int(api.get(URL, query).json()["count"])

    alone = {"useCaseIds": use_case.pk, "category": "TRAINING", "filterFailed": "true"}
    assert (count(), count(**alone)) == (2, 1)
    assert count(**alone | {"category": "PREDICTION"}) == 0
    assert count(**alone | {"useCaseIds": "x"}) == 0
    Dataset.objects.update(status=Status.ERROR)
    assert count(**alone) == 0


def test_datasets_are_ordered_by_name_or_age(api):
    for name in ("b.txt", "a.txt", "c.txt"):
        uploaded(api, name, name.encode())

    def names(**query: str) -> str:
        found = api.get(URL, query).json()["data"]
        return "".join(one["name"][0] for one in found)

    assert names() == names(orderBy="-created") == "cab"
    assert (names(orderBy="created"), names(orderBy="name")) == ("bac", "abc")
    assert names(orderBy="-name") == "cba"


def test_a_deleted_dataset_is_gone(api, dataset):
    path = f"{URL}{dataset.pk}/"

    deleted = api.delete(path)

    assert (deleted.status_code, deleted.content) == (204, b"")
    for response in (api.get(path), api.patch(path, {"name": "a"}), api.delete(path)):
        assert response.status_code == 404
        assert response.json() == {"message": "Dataset not found."}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("root", ["status/", "genai/status/"])
def test_both_roots_know_every_job(api, dataset, database, prompt, root):
    assert api.get(f"{root}{dataset.pk}/")["Location"].endswith(f"/{URL}{dataset.pk}/")
    built = api.get(f"{root}{database.pk}/")
    assert built["Location"].endswith(f"/genai/vectorDatabases/{database.pk}/")
    Dataset.objects.update(status=Status.ERROR, error_message="It is empty.")
    failed = api.get(f"{root}{dataset.pk}/")
    assert (failed.status_code, failed.json()["status"]) == (200, "ERROR")
    assert (failed.json()["code"], failed.json()["message"]) == (1, "It is empty.")
