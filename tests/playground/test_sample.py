"""The sample: its documents hold their texts, and loading it survives whatever happens to it."""

import os
import re
import subprocess
import sys
import threading
import time
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateWorker

from accounts.models import UseCase, User
from accounts.services import create_use_case
from blueprints.models import Blueprint
from config.errors import Conflict
from config.status import Status
from playground import sample_data, services
from playground.models import Chat, ChatPrompt, Playground, Sample
from playground.sample import DOCUMENTS, FORMATS, TEXTS, build, document_names
from playground.sample.blocks import Heading, Items, Paragraph, Table, read_blocks
from vectordb import services as vectordb
from vectordb.filetypes import sniff
from vectordb.models import Dataset, Document, VectorDatabase
from vectordb.parsing.reader import parser_of


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def admin(transactional_db) -> User:
    return User.objects.create_superuser("admin@localhost")


def words(text: str) -> list[str]:
    """What a reader reads, whatever marks and line ends stand around it."""
    return re.findall(r"[\w'.,:;&%@\"?-]+", text)


def text_of(name: str) -> str:
    return (TEXTS / f"{name}.md").read_text(encoding="utf-8")


def plain(name: str) -> str:
    """The source without its marks."""
    parts: list[str] = []
    for block in read_blocks(text_of(name)):
        match block:
            case Heading(_, text) | Paragraph(text):
                parts.append(text)
            case Items(texts):
                parts.extend(texts)
            case Table(rows):
                parts.extend(cell for row in rows for cell in row)
    return "\n".join(parts)


def read(path: Path) -> str:
    return "".join(segment.text for segment in parser_of(sniff(path, path.name))(path))


# The documents


def test_every_text_has_its_document_and_no_other_is_there():
    assert {path.stem for path in TEXTS.iterdir()} == set(FORMATS)
    assert sorted(path.name for path in DOCUMENTS.iterdir()) == document_names()
    assert set(FORMATS.values()) == {"pdf", "docx", "md", "html"}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_document_holds_the_text_of_its_source(name):
    read_words = words(read(DOCUMENTS / f"{name}.{FORMATS[name]}"))
    expected = words(plain(name))
    if FORMATS[name] == "html":  # begins with the page's title
        assert read_words[:3] == ["Pipit", "&", "Kettle"]
        read_words = read_words[3:]
    assert read_words == expected


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_building_a_document_again_gives_the_same_bytes(name, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert build.build(name, first).read_bytes() == build.build(name, second).read_bytes()


def test_the_texts_are_as_long_as_a_chapter():
    assert all(300 <= len(plain(name).split()) <= 900 for name in FORMATS)


def test_some_documents_have_several_pages():
    pages = {
        name: len(list(parser_of("application/pdf")(DOCUMENTS / f"{name}.pdf")))
        for name, ending in FORMATS.items()
        if ending == "pdf"
    }
    assert min(pages.values()) >= 2


# Loading


def load_all(user: User, run_jobs) -> None:
    for wait in sample_data.load(user=user):
        run_jobs()
        assert wait.is_over(), wait.what


def counts() -> dict[str, int]:
    kinds = (UseCase, Dataset, Document, VectorDatabase, Playground, Blueprint, Chat, ChatPrompt)
    return {kind.__name__: kind.objects.count() for kind in kinds}


WHOLE = {
    "UseCase": 1,
    "Dataset": 1,
    "Document": len(FORMATS),
    "VectorDatabase": 1,
    "Playground": 1,
    "Blueprint": 3,
    "Chat": 1,
    "ChatPrompt": 2,
}


def test_loading_makes_everything_that_can_be_tried(admin, run_jobs):
    assert sample_data.is_wanted()
    load_all(admin, run_jobs)

    assert counts() == WHOLE
    use_case = UseCase.objects.visible_to(admin).get()
    assert use_case.name == "Getting started"
    database = VectorDatabase.objects.get()
    assert database.status == Status.COMPLETED
    assert database.error_message == ""
    assert set(database.ingestions.values_list("status", flat=True)) == {Status.COMPLETED}
    playground = Playground.objects.get()
    assert all(question in playground.description for question in sample_data.SUGGESTIONS)
    places = playground.places.select_related("blueprint__version")
    assert [place.blueprint.name for place in places] == [
        "Baseline",
        "Neighbours on",
        "Wide and capped",
    ]
    settings = [place.blueprint.current.retrieval_parameters for place in places]
    assert [one.documents for one in settings] == [4, 3, 8]
    assert [one.add_neighbor_chunks for one in settings] == [False, True, False]
    assert [one.max_tokens for one in settings] == [None, None, 1_024]
    assert not sample_data.is_wanted()


def test_questions_and_suggestions_get_answers_from_the_right_documents(admin, run_jobs):
    load_all(admin, run_jobs)

    returned, paid = ChatPrompt.objects.order_by("created_at")
    assert "within 14 days of delivery, less a handling fee of 15 % of its price. [1]" in (
        returned.result_text
    )
    assert returned.citations[0]["source"] == "returns-and-refunds.pdf"
    assert returned.citations[0]["page"] == 1
    assert "Gift cards can be used for subscriptions that are paid ahead." in paid.result_text
    assert "not parcel by parcel" in paid.result_text
    cited = {int(number) for number in re.findall(r"\[(\d+)]", paid.result_text)}
    sources = {one["source"] for one in paid.citations if one["number"] in cited}
    assert sources == {"coffee-subscription.md", "gift-cards.md"}

    chat = Chat.objects.get()
    for question in sample_data.SUGGESTIONS:
        services.ask(user=admin, chat=chat, text=question)
    run_jobs()
    for question, names in sample_data.SUGGESTIONS.items():
        prompt = ChatPrompt.objects.get(text=question)
        found = {Path(one["source"]).stem for one in prompt.citations}
        assert set(names) <= found, question
        assert re.search(r"\[\d]", prompt.result_text), question


def test_the_third_blueprint_uses_a_real_llm_where_there_is_one(admin, run_jobs, llm):
    load_all(admin, run_jobs)

    used = {blueprint.name: blueprint.current.llm_id for blueprint in Blueprint.objects.all()}
    assert used == {
        "Baseline": "extractive",
        "Neighbours on": "extractive",
        "Wide and capped": llm.pk,
    }


def test_a_sample_that_was_loaded_is_never_loaded_again(admin, run_jobs):
    load_all(admin, run_jobs)
    output = StringIO()
    call_command("load_sample", stdout=output)
    assert output.getvalue().startswith("Nothing to do")
    assert counts() == WHOLE

    UseCase.objects.all().delete()

    assert not sample_data.is_wanted()


def test_nothing_is_loaded_beside_work_of_others(admin):
    create_use_case(user=admin, name="Mine")
    output = StringIO()

    call_command("load_sample", stdout=output)

    assert output.getvalue().startswith("Nothing to do")
    assert UseCase.objects.count() == 1
    assert not Dataset.objects.exists()


@pytest.mark.parametrize("waits", [0, 1, 2])
def test_loading_goes_on_where_it_was_interrupted(admin, run_jobs, waits):
    interrupted = sample_data.load(user=admin)
    for _ in range(waits):
        next(interrupted)
        run_jobs()
    next(interrupted)
    interrupted.close()

    assert sample_data.is_wanted()
    load_all(admin, run_jobs)
    assert counts() == WHOLE
    assert not sample_data.is_wanted()


def test_loading_that_got_no_further_than_the_use_case_goes_on(admin):
    sample_data._begin(admin)
    assert sample_data.is_wanted()

    assert next(sample_data.load(user=admin)).what == "the vector database"

    assert counts() == WHOLE | {"Playground": 0, "Blueprint": 0, "Chat": 0, "ChatPrompt": 0}


def test_two_who_load_at_once_make_one_sample(admin, run_jobs):
    loaders = [sample_data.load(user=admin), sample_data.load(user=admin)]
    while loaders:
        both = threading.Barrier(len(loaders))
        ended: list[object] = []

        def step(loader, both=both, ended=ended):
            both.wait()
            if next(loader, None) is None:
                ended.append(loader)
            connection.close()

        threads = [threading.Thread(target=step, args=(loader,)) for loader in loaders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run_jobs()
        loaders = [loader for loader in loaders if loader not in ended]

    assert counts() == WHOLE


def test_a_database_that_was_not_built_is_built_anew(admin, run_jobs):
    loader = sample_data.load(user=admin)
    next(loader)
    vectordb.cancel_ingestion(VectorDatabase.objects.get(), user=admin)
    with pytest.raises(Conflict, match="was not built"):
        next(loader)

    load_all(admin, run_jobs)

    assert counts() == WHOLE
    assert VectorDatabase.objects.get().status == Status.COMPLETED


def test_a_question_that_failed_is_asked_again(admin, run_jobs):
    loader = sample_data.load(user=admin)
    next(loader)
    run_jobs()
    next(loader)
    ChatPrompt.objects.update(status=Status.ERROR, error_message="It was lost.")
    with pytest.raises(Conflict, match=r"was not answered\. It was lost"):
        next(loader)
    assert sample_data.is_wanted()

    load_all(admin, run_jobs)

    assert counts() == WHOLE
    assert set(ChatPrompt.objects.values_list("status", flat=True)) == {Status.COMPLETED}


def test_deleting_the_use_case_in_between_ends_the_loading(admin, run_jobs):
    loader = sample_data.load(user=admin)
    next(loader)
    run_jobs()
    UseCase.objects.all().delete()
    with pytest.raises(Conflict, match="deleted"):
        next(loader)

    assert not sample_data.is_wanted()
    assert not Playground.objects.exists()


# The command


@pytest.fixture
def no_worker(transactional_db):
    """Nobody is noted as working, whatever tests killed before."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")


@pytest.fixture
def start_worker(no_worker, settings, tmp_path):
    """Call it for a worker process on the tests' database; it returns once the worker is alive."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = os.environ | {"DATABASE_URL": url.geturl(), "GROUNDWORK_DATA": str(tmp_path)}
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        with (tmp_path / "worker.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                env=environment,
                cwd=settings.BASE_DIR,
                stdout=log,
                stderr=log,
            )
        started.append(worker)
        deadline = time.monotonic() + 60
        while not ProcrastinateWorker.objects.exists():
            assert worker.poll() is None, (tmp_path / "worker.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    yield start
    for worker in started:
        worker.terminate()
        worker.wait(timeout=30)


def test_without_a_worker_nothing_is_begun(admin, no_worker):
    with pytest.raises(CommandError, match=r"start one with `manage\.py worker`"):
        call_command("load_sample")

    assert not Sample.objects.exists()
    assert not UseCase.objects.exists()


def test_without_staff_or_with_an_unknown_owner_it_says_what_to_do(alice):
    with pytest.raises(CommandError, match="no active user who is staff"):
        call_command("load_sample")
    with pytest.raises(CommandError, match=r"no active user nobody@example\.com"):
        call_command("load_sample", email="nobody@example.com")


def test_the_command_loads_the_sample_through_a_running_worker(admin, start_worker):
    User.objects.create_user("alice@example.com")
    start_worker()
    output = StringIO()

    call_command("load_sample", email="Alice@example.com", stdout=output)

    assert "The sample is loaded" in output.getvalue()
    assert counts() == WHOLE
    assert UseCase.objects.get().created_by.email == "alice@example.com"
    assert not sample_data.is_wanted()
