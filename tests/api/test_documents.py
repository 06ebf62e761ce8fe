"""Use cases and datasets."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import UseCase
from tests.vectordb import samples
from vectordb import services
from vectordb.models import Dataset, Document, VectorDatabase

USE_CASES = "useCases/"
DATASETS = "datasets/"


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
