import io
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.models import UseCase
from blueprints.models import Blueprint
from config.status import Status
from playground.models import ChatPrompt, Playground
from tests.pages.conftest import HTMX
from vectordb.models import Chunk, Dataset, Document, Ingestion, VectorDatabase

MODEL = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


def text_file(name="hours.md", content=b"# Hours\n\nNine to five.\n"):
    return SimpleUploadedFile(name, content)


def build_data(**changes):
    data = {
        "embedding_model": MODEL,
        "chunking_method": "recursive",
        "chunk_size": "200",
        "chunk_overlap_percentage": "20",
        "separators": '\\n\\n\n\\n\n" "\n""',
    }
    return data | changes


def test_a_dataset_is_made_of_many_files_and_a_zip_at_once(signed_in, world):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/one.txt", "One.")
        archive.writestr("two.md", "# Two")
    files = [text_file(), SimpleUploadedFile("more.zip", packed.getvalue())]
    url = reverse("vectordb:dataset-create", args=[world.use_case.pk])

    response = signed_in.post(url, {"name": "Shop", "files": files})

    dataset = Dataset.objects.get(name="Shop")
    assert response.headers["Location"] == f"/datasets/{dataset.pk}/"
    assert dataset.documents.count() == 3


def test_a_dataset_without_files_is_refused(signed_in, world):
    url = reverse("vectordb:dataset-create", args=[world.use_case.pk])

    response = signed_in.post(url, {"name": "Shop"})

    assert response.status_code == 422
    assert not Dataset.objects.filter(name="Shop").exists()


def test_each_file_has_its_own_error_and_stops_no_other(signed_in, world):
    url = reverse("vectordb:document-upload", args=[world.dataset.pk])
    files = [text_file(), text_file("empty.txt", b"")]

    answer = signed_in.post(url, {"files": files}, headers={"accept": "application/json"}).json()

    assert [bool(file["error"]) for file in answer["files"]] == [False, True]
    page = signed_in.post(url, {"files": [text_file("none.txt", b"")]}, follow=True)
    assert "none.txt: " in page.content.decode()
    assert world.dataset.documents.count() == 2


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_upload_of_nothing_says_so(signed_in, world, accept):
    url = reverse("vectordb:document-upload", args=[world.dataset.pk])

    response = signed_in.post(url, headers={"accept": accept}, follow=True)

    assert "at least one file" in response.content.decode()


def test_originals_come_as_downloads_under_their_own_name(signed_in, world):
    response = signed_in.get(reverse("vectordb:document-file", args=[world.document.pk]))

    assert b"thirty days" in b"".join(response.streaming_content)
    assert response.headers["Content-Disposition"] == 'attachment; filename="returns.md"'
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_datasets_and_documents_are_renamed_and_deleted(signed_in, world):
    signed_in.post(reverse("vectordb:dataset-rename", args=[world.dataset.pk]), {"name": "Manual"})
    world.dataset.refresh_from_db()
    assert world.dataset.name == "Manual"
    signed_in.post(reverse("vectordb:document-delete", args=[world.document.pk]))
    assert not Document.objects.exists()
    signed_in.post(reverse("vectordb:dataset-delete", args=[world.dataset.pk]))
    assert not Dataset.objects.exists()


def test_a_document_is_replaced_by_another_file(signed_in, world):
    url = reverse("vectordb:document-replace", args=[world.document.pk])

    assert signed_in.post(url, {}).status_code == 422
    assert signed_in.post(url, {"file": text_file("a.txt", b"")}).status_code == 422
    form = signed_in.get(url, headers=HTMX).content.decode()
    assert 'enctype="multipart/form-data"' in form
    response = signed_in.post(url, {"file": text_file()}, headers=HTMX)

    assert response.headers["HX-Redirect"] == f"/datasets/{world.dataset.pk}/"
    assert world.dataset.documents.get().name == "hours.md"
    assert world.database.ingestions.get().document.name == "hours.md"
    assert signed_in.get(url).status_code == 404


def test_a_database_is_built_with_the_settings_of_the_form(signed_in, world):
    url = reverse("vectordb:vector-database-create", args=[world.use_case.pk, world.dataset.pk])
    assert "\\n\\n\n\\n\n&quot; &quot;\n&quot;&quot;" in signed_in.get(url).content.decode()

    response = signed_in.post(url, build_data(name="Fine"))

    database = VectorDatabase.objects.get(name="Fine")
    assert response.headers["Location"] == f"/vector-databases/{database.pk}/"
    assert (database.chunk_size, database.chunk_overlap_percentage) == (200, 20)
    assert database.separators == ["\n\n", "\n", " ", ""]


@pytest.mark.parametrize(
    "changes",
    [
        {"chunk_size": "127"},
        {"chunk_size": "257"},
        {"chunk_overlap_percentage": "51"},
        {"chunk_overlap_percentage": "-1"},
        {"embedding_model": "other"},
        {"separators": ""},
        {"chunk_size": "many"},
    ],
)
def test_impossible_settings_are_refused_and_build_nothing(signed_in, world, changes):
    url = reverse("vectordb:vector-database-create", args=[world.use_case.pk, world.dataset.pk])

    response = signed_in.post(url, build_data(**changes))

    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert VectorDatabase.objects.count() == 1


def test_the_page_of_a_database_shows_each_document_and_what_went_wrong(signed_in, world):
    Ingestion.objects.update(status=Status.ERROR, error_message="The file is encrypted.")
    VectorDatabase.objects.update(status=Status.COMPLETED)

    page = signed_in.get(
        reverse("vectordb:vector-database-detail", args=[world.database.pk])
    ).content.decode()

    assert "The file is encrypted." in page
    assert "Retry all that failed" in page
    assert "<progress" not in page
    assert f"?vector_database={world.database.pk}" in page


def test_progress_is_the_documents_share_and_survives_a_reload(signed_in, world):
    VectorDatabase.objects.update(status=Status.RUNNING)
    Ingestion.objects.update(status=Status.RUNNING, progress_done=3, progress_total=4)
    url = reverse("vectordb:vector-database-progress", args=[world.database.pk])

    fragment = signed_in.get(url, headers=HTMX).content.decode()

    assert '<progress max="1000" value="750"' in fragment
    assert "Cancel" in fragment
    assert "<html" not in fragment
    assert "is being built" in signed_in.get(f"{url}?brief").content.decode()


def test_progress_tells_pace_and_time_left(signed_in, world):
    VectorDatabase.objects.update(status=Status.RUNNING)
    begun = timezone.now() - timedelta(seconds=100)
    Ingestion.objects.update(
        status=Status.RUNNING, progress_done=1, progress_total=4, chunks_count=500, started_at=begun
    )
    url = reverse("vectordb:vector-database-progress", args=[world.database.pk])

    fragment = signed_in.get(url, headers=HTMX).content.decode()

    assert "5 chunks/s, about 5 min left" in fragment


def test_an_ingestion_is_cancelled_and_retried(signed_in, world):
    VectorDatabase.objects.update(status=Status.RUNNING)
    keys = [world.database.pk]

    signed_in.post(reverse("vectordb:vector-database-cancel", args=keys))
    assert Ingestion.objects.get().status == Status.CANCELLED
    signed_in.post(
        reverse("vectordb:vector-database-retry", args=keys), {"document": world.document.pk}
    )
    assert Ingestion.objects.get().status == Status.NEW


def test_retrying_a_document_of_another_database_finds_nothing(signed_in, world):
    url = reverse("vectordb:vector-database-retry", args=[world.database.pk])

    assert signed_in.post(url, {"document": "f" * 24}).status_code == 404


def test_databases_are_renamed_and_deleted(signed_in, world):
    keys = [world.database.pk]
    signed_in.post(reverse("vectordb:vector-database-rename", args=keys), {"name": "Tome"})
    assert VectorDatabase.objects.get().name == "Tome"
    signed_in.post(reverse("vectordb:vector-database-delete", args=keys))
    assert not VectorDatabase.objects.exists()


def test_a_use_case_takes_all_that_is_in_it_along(signed_in, world):
    signed_in.post(reverse("playground:use-case-delete", args=[world.use_case.pk]))

    for model in (UseCase, Playground, Blueprint, Dataset, VectorDatabase, ChatPrompt):
        assert not model.objects.exists(), model


def test_files_dropped_on_an_empty_playground_can_be_asked(
    client, alice, use_case, run_jobs, transactional_db
):
    """The one page test that runs the real pipeline: chunks, embedding, answer, citation."""
    client.force_login(alice)
    client.post(reverse("playground:playground-create", args=[use_case.pk]), {"name": "Tools"})
    playground = Playground.objects.get()
    content = b"\n\n".join(
        b"Rule %d. " % number + b"A drill may be kept for seven days. " * 12 for number in range(9)
    )

    url = reverse("playground:playground-upload", args=[playground.pk])
    client.post(url, {"files": [text_file("tools.txt", content), text_file("bad.txt", b"")]})
    page = client.get(
        reverse("playground:playground-detail", args=[playground.pk])
    ).content.decode()
    assert "is being built" in page
    assert "bad.txt: " in page
    run_jobs()
    ask = reverse("playground:playground-ask", args=[playground.pk])
    blueprint = Blueprint.objects.get()
    client.post(ask, {"blueprint": blueprint.pk, "text": "How long may a drill be kept?"})
    run_jobs()

    prompt = ChatPrompt.objects.get()
    assert prompt.status == Status.COMPLETED, prompt.error_message
    citation = next(item for item in prompt.citations if item["number"] == 1)
    chunk = Chunk.objects.get(id=citation["chunk_id"])
    passage = client.get(
        reverse("playground:citation-detail", args=[prompt.pk, 1])
    ).content.decode()
    around = passage.split('<div class="passage">')[1].split("</div>")[0]
    assert f'<mark id="passage">{chunk.text}</mark>' in around
    assert len(around) > len(chunk.text) + 100
    plain = around.replace('<mark id="passage">', "").replace("</mark>", "")
    assert " ".join(plain.split()) in " ".join(content.decode().split())


def test_a_playground_takes_no_files_that_cannot_be_used(client, alice, use_case):
    client.force_login(alice)
    client.post(reverse("playground:playground-create", args=[use_case.pk]), {"name": "Tools"})
    url = reverse("playground:playground-upload", args=[Playground.objects.get().pk])

    assert client.post(url, {"files": [text_file("bad.txt", b"")]}).status_code == 422
    assert client.post(url).status_code == 302
    assert not Dataset.objects.exists()
    assert not Blueprint.objects.exists()


def test_documents_that_came_since_are_brought_in_from_the_page(signed_in, world, alice):
    url = reverse("vectordb:vector-database-detail", args=[world.database.pk])
    assert "came to the dataset" not in signed_in.get(url).content.decode()
    upload = reverse("vectordb:document-upload", args=[world.dataset.pk])
    signed_in.post(upload, {"files": [text_file("new.md")]})

    page = signed_in.get(url).content.decode()
    assert "1 document came to the dataset since it was built." in page
    signed_in.post(reverse("vectordb:vector-database-bring-in", args=[world.database.pk]))

    page = signed_in.get(url).content.decode()
    assert "came to the dataset" not in page
    assert "new.md" in page
    assert 'aria-label="Progress of the whole database"' in page
    world.database.refresh_from_db()
    assert world.database.status == Status.COMPLETED
