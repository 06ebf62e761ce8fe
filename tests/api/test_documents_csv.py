"""CSV files of documents, from the upload to the citation, and datasets as CSV again."""

import csv
import io
import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.errors import Conflict
from config.status import Status
from tests.api.conftest import problems
from tests.vectordb import samples
from vectordb.export import as_csv
from vectordb.models import VectorDatabase

DATASETS = "datasets/"
DATABASES = "genai/vectorDatabases/"

LAMPS = """document,document_file_path,topic,year
The lamps of the north burn rapeseed oil.,north.txt,lamps,1850
The lamps of the south burn whale oil.,south.txt,lamps,1820
The keeper is paid eleven pounds.,wages.txt,money,1850
"""


def csv_file(text=LAMPS, name="lamps.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


@pytest.fixture
def lamps(api, use_case) -> str:
    dataset = api.upload(csv_file()).json()["catalogId"]
    assert api.request("post", f"useCases/{use_case.pk}/datasets/{dataset}/").status_code == 201
    return str(dataset)


def test_rows_are_counted(api, lamps):
    shown = api.get(f"{DATASETS}{lamps}/").json()

    assert (shown["rowCount"], shown["datasetSize"]) == (3, len(LAMPS))
    assert shown["isVectorDatabaseEligible"] is True
    assert shown["isPlaygroundEvaluationDatasetEligible"] is True
    mixed = api.upload(csv_file(), SimpleUploadedFile("a.txt", b"words")).json()["catalogId"]
    assert api.get(f"{DATASETS}{mixed}/").json()["rowCount"] == 4
    assert not api.get(f"{DATASETS}{mixed}/").json()["isPlaygroundEvaluationDatasetEligible"]


def build(api, use_case, dataset, **parameters) -> str:
    body = {"datasetId": dataset, "useCaseId": use_case.pk, "chunkingParameters": parameters}
    response = api.post(DATABASES, body)
    assert response.status_code == 202, response.content
    return str(response.json()["id"])


def test_metadata_columns_are_told(api, use_case, lamps):
    database = build(api, use_case, lamps)

    assert api.get(f"{DATABASES}{database}/").json()["metadataColumns"] == ["topic", "year"]


def test_finished_chunks_have_no_way_of_cutting(api, use_case, lamps, run_jobs):
    database = build(api, use_case, lamps, customChunking=True)
    run_jobs()

    shown = api.get(f"{DATABASES}{database}/").json()
    assert (shown["executionStatus"], shown["chunksCount"]) == ("COMPLETED", 3)
    assert (shown["customChunking"], shown["isSeparatorRegex"]) == (True, False)
    unused = ("chunkingMethod", "chunkSize", "chunkOverlapPercentage", "separators")
    assert [shown[name] for name in unused] == [None] * 4
    assert shown["embeddingModel"] == "sentence-transformers/all-MiniLM-L6-v2"


@pytest.mark.parametrize(
    "text",
    [
        "document,year\na,1\n",
        "document,document_file_path,source\na,b,c\n",
        "document,document_file_path," + ",".join(f"c{n}" for n in range(51)) + "\na,b\n",
    ],
    ids=["no path", "source", "too many"],
)
def test_columns_that_cannot_be_are_told_at_once(api, use_case, text):
    dataset = api.upload(csv_file(text)).json()["catalogId"]
    body = {"datasetId": dataset, "useCaseId": use_case.pk}

    assert problems(api.post(DATABASES, body)) == [(["body", "datasetId"], "value_error")]
    assert not VectorDatabase.objects.exists()


def cited(api, run_jobs, chat, **body):
    """(source, metadata, chunk id) of each citation of an answer."""
    asked = api.post(
        "genai/chatPrompts/", {"text": "What do the lamps burn?", "chatId": chat.pk, **body}
    )
    assert asked.status_code == 202, asked.content
    run_jobs()
    shown = api.get(f"genai/chatPrompts/{asked.json()['id']}/").json()
    assert shown["executionStatus"] == "COMPLETED", shown
    assert shown["metadataFilter"] == body.get("metadataFilter")
    return [(one["source"], one["metadata"], one["chunkId"]) for one in shown["citations"]]


@pytest.mark.django_db(transaction=True)
def test_metadata_reaches_citations_and_filters(api, use_case, lamps, chat, run_jobs):
    database = build(api, use_case, lamps)
    run_jobs()
    assert VectorDatabase.objects.get().status == Status.COMPLETED
    settings = {"maxDocumentsRetrievedPerPrompt": 1, "addNeighborChunks": True}
    chosen = {"vectorDatabaseId": database, "vectorDatabaseSettings": settings}

    [(source, metadata, _)] = cited(
        api, run_jobs, chat, **chosen, metadataFilter={"topic": "lamps", "year": {"$lt": 1830}}
    )
    assert source == "south.txt"
    assert metadata == {"source": "south.txt", "topic": "lamps", "year": 1820, "language": "en"}
    [(source, _, _)] = cited(api, run_jobs, chat, metadataFilter={"source": "north.txt"})
    assert source == "north.txt"
    either = {"$or": [{"topic": "money"}, {"$and": [{"year": 1850}, {"topic": "lamps"}]}]}
    [(source, _, _)] = cited(api, run_jobs, chat, metadataFilter=either)
    assert source == "north.txt"
    # Rows are documents: the neighbour in the file is none in the text.
    assert len(cited(api, run_jobs, chat)) == 1
    assert cited(api, run_jobs, chat, metadataFilter={"topic": "none"}) == []


@pytest.mark.django_db(transaction=True)
def test_neighbours_satisfy_the_filter_too(api, use_case, chat, run_jobs):
    rows = "".join(
        f"{text},book.txt,{number % 2}\n"
        for number, text in enumerate(["Of boats.", "The lamps burn oil.", "Of wages.", "Of rope."])
    )
    dataset = api.upload(csv_file(f"document,document_file_path,odd\n{rows}")).json()["catalogId"]
    database = build(api, use_case, dataset, customChunking=True)
    run_jobs()
    settings = {"maxDocumentsRetrievedPerPrompt": 1, "addNeighborChunks": True}
    chosen = {"vectorDatabaseId": database, "vectorDatabaseSettings": settings}

    everything = cited(api, run_jobs, chat, **chosen)
    odd = cited(api, run_jobs, chat, metadataFilter={"odd": 1})

    ids = [chunk_id for _, _, chunk_id in everything]
    assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
    assert [(metadata["odd"], chunk_id) for _, metadata, chunk_id in odd] == [(1, ids[1])]


def rows_of(response) -> list[list[str]]:
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv"
    assert response["Content-Disposition"] == 'attachment; filename="data.csv"'
    text = b"".join(response.streaming_content).decode()
    return list(csv.reader(io.StringIO(text)))


def test_a_csv_file_comes_back_as_it_was(api, lamps):
    assert rows_of(api.get(f"{DATASETS}{lamps}/file/")) == list(csv.reader(LAMPS.splitlines()))


def test_a_csv_file_in_another_encoding_comes_back_in_utf8(api):
    upload = SimpleUploadedFile("a.csv", "name;place\nÅsa;Malmö\n".encode("utf-16"))
    dataset = api.upload(upload).json()["catalogId"]

    assert rows_of(api.get(f"{DATASETS}{dataset}/file/")) == [["name;place"], ["Åsa;Malmö"]]


def test_other_datasets_are_a_row_for_each_document(api):
    dataset = api.upload(
        SimpleUploadedFile("a.pdf", samples.pdf("First page.", "Second page.")),
        SimpleUploadedFile("scan.pdf", samples.pdf("")),
        csv_file(),
    ).json()["catalogId"]

    header, *rows = rows_of(api.get(f"{DATASETS}{dataset}/file/"))

    assert header == ["document", "document_file_path"]
    assert rows == [
        ["First page.\nSecond page.\n", "a.pdf"],
        ["", "scan.pdf"],
        ["The lamps of the north burn rapeseed oil.", "north.txt"],
        ["The lamps of the south burn whale oil.", "south.txt"],
        ["The keeper is paid eleven pounds.", "wages.txt"],
    ]


def test_a_dataset_without_documents_is_an_empty_table(api):
    dataset = api.upload(SimpleUploadedFile("a.txt", b"")).json()["catalogId"]
    assert rows_of(api.get(f"{DATASETS}{dataset}/file/")) == [["document", "document_file_path"]]


def test_data_is_for_those_who_may_see_it(api, bob_api, vera_api, dataset):
    path = f"{DATASETS}{dataset.pk}/file/"

    assert bob_api.get(path).status_code == 404
    assert rows_of(vera_api.get(path))[1] == ["The lamps burn rapeseed oil.", "oil.txt"]
    assert api.get(f"{DATASETS}{'0' * 24}/file/").status_code == 404
    assert api.delete(path).status_code == 405


def test_only_a_few_datasets_are_put_together_at_once(api, dataset, monkeypatch):
    path = f"{DATASETS}{dataset.pk}/file/"
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr("vectordb.export._AT_ONCE", turns)

    with turns:
        refused = api.get(path)

    assert (refused.status_code, "try again" in refused.json()["message"]) == (409, True)
    assert len(rows_of(api.get(path))) > 1


def test_data_that_nobody_waits_for_is_not_put_together(api, dataset):
    with pytest.raises(Conflict, match="Nobody waits"):
        as_csv(dataset, lambda: True)

    assert len(rows_of(api.get(f"{DATASETS}{dataset.pk}/file/"))) > 1
