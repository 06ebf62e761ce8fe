from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from evaluation import question_sets
from evaluation.models import Question, QuestionSet
from tests.pages.conftest import HTMX


@pytest.fixture
def questions(alice, use_case) -> QuestionSet:
    return question_sets.create_set(use_case, user=alice, name="Returns")


@pytest.fixture
def question(alice, questions) -> Question:
    return question_sets.add_question(
        questions, user=alice, text="How long?", expected_answer="Thirty days."
    )


def url(name: str, *args: str) -> str:
    return reverse(f"evaluation:{name}", args=args)


def test_a_set_is_made_filled_changed_and_deleted(client, alice, use_case):
    client.force_login(alice)
    assert (
        "No question set yet" in client.get(url("question-set-list", use_case.pk)).content.decode()
    )

    made = client.post(url("question-set-create", use_case.pk), {"name": "Returns"})
    [questions] = QuestionSet.objects.all()
    assert made["Location"] == url("question-set-detail", questions.pk)
    client.post(url("question-create", questions.pk), {"text": "How long?", "expected_answer": ""})
    [question] = questions.questions.all()
    client.post(
        url("question-edit", question.pk), {"text": "How long?", "expected_answer": "30 days"}
    )
    page = client.get(url("question-set-detail", questions.pk)).content.decode()
    assert "How long?" in page
    assert "30 days" in page
    assert "Returns" in client.get(url("question-set-list", use_case.pk)).content.decode()

    client.post(url("question-set-rename", questions.pk), {"name": "Refunds"})
    client.post(url("question-delete", question.pk))
    assert not questions.questions.exists()
    client.post(url("question-set-delete", questions.pk))
    assert not QuestionSet.objects.exists()


def test_questions_are_imported_from_lines_and_from_a_file(client, alice, questions):
    client.force_login(alice)
    address = url("question-set-import", questions.pk)
    client.post(address, {"lines": "a?\nb?\n"})
    file = SimpleUploadedFile("q.csv", b"question,answer\nb?,yes\nc?,no\n")

    page = client.post(address, {"file": file}, follow=True).content.decode()

    assert "1 added. 1 were there already." in page
    assert list(questions.questions.values_list("text", flat=True)) == ["a?", "b?", "c?"]
    exported = b"".join(client.get(url("question-set-export", questions.pk)).streaming_content)
    assert exported.decode().splitlines() == ["question,expected_answer", "a?,", "b?,", "c?,no"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "one of the two"),
        ({"lines": "a", "file": "question\nb\n"}, "one of the two"),
        ({"file": "a,a\n1,2\n"}, "rename one"),
        ({"lines": "a\n" + "x" * 500_001}, "500,000 is the most"),
    ],
)
def test_what_cannot_be_imported_is_told_and_nothing_is_added(
    client, alice, questions, data: dict[str, Any], said
):
    client.force_login(alice)
    if "file" in data:
        data = data | {"file": SimpleUploadedFile("q.csv", data["file"].encode())}

    answer = client.post(url("question-set-import", questions.pk), data)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not questions.questions.exists()


def test_a_call_is_kept_as_a_question_of_a_new_set(client, alice, world):
    client.force_login(alice)
    address = url("log-keep", world.log.pk)
    trace = client.get(reverse("tracing:log-detail", args=[world.log.pk])).content.decode()
    assert address in trace

    form = client.get(address, headers=HTMX).content.decode()
    assert "How long may I wait?" in form
    assert "Thirty days [1]." in form
    kept = client.post(
        address,
        {"name": "Returns", "text": "How long may I wait?", "expected_answer": "Thirty days."},
    )

    assert kept["Location"] == reverse("tracing:log-detail", args=[world.log.pk])
    [question] = Question.objects.all()
    assert question.question_set.name == "Returns"
    assert (question.text, question.expected_answer) == ("How long may I wait?", "Thirty days.")
    assert question.log == world.log
    page = client.get(url("question-set-detail", question.question_set_id)).content.decode()
    assert reverse("tracing:log-detail", args=[world.log.pk]) in page


def test_a_call_is_kept_in_a_set_that_there_is(client, alice, world, questions):
    client.force_login(alice)
    data = {"question_set": questions.pk, "text": "Why?", "expected_answer": ""}

    first = client.post(url("log-keep", world.log.pk), data)
    again = client.post(url("log-keep", world.log.pk), data)

    assert (first.status_code, again.status_code) == (302, 422)
    assert "already" in again.content.decode()
    assert questions.questions.count() == 1


def test_where_the_question_does_not_hold_no_set_is_made(client, alice, world):
    client.force_login(alice)
    for data in (
        {"name": "New", "text": " "},
        {"name": "", "text": "Why?"},
        {"name": "New", "text": "x" * 500_001},
    ):
        assert client.post(url("log-keep", world.log.pk), data).status_code == 422

    assert not QuestionSet.objects.exists()


def test_the_set_of_another_use_case_cannot_be_chosen(client, alice, bob, world):
    from accounts import services as accounts

    theirs = question_sets.create_set(
        accounts.create_use_case(user=bob, name="Bob's"), user=bob, name="Theirs"
    )
    client.force_login(alice)

    answer = client.post(url("log-keep", world.log.pk), {"question_set": theirs.pk, "text": "Why?"})

    assert answer.status_code == 422
    assert not theirs.questions.exists()


READ = ["question-set-list", "question-set-detail", "question-set-export"]
WRITE = [
    "question-set-create",
    "question-set-rename",
    "question-set-delete",
    "question-set-import",
    "question-create",
    "question-edit",
    "question-delete",
    "log-keep",
]


@pytest.fixture
def addresses(world, questions, question) -> dict[str, str]:
    of = {
        "question-set-list": world.use_case.pk,
        "question-set-create": world.use_case.pk,
        "question-edit": question.pk,
        "question-delete": question.pk,
        "log-keep": world.log.pk,
    }
    return {name: url(name, of.get(name, questions.pk)) for name in READ + WRITE}


def test_a_stranger_finds_none_of_it(client, bob, addresses):
    for address in addresses.values():
        assert client.get(address).status_code == 302
    client.force_login(bob)
    for name, address in addresses.items():
        assert client.get(address).status_code == 404
        if name in WRITE:
            assert client.post(address, {"name": "a", "text": "b"}).status_code == 404


def test_a_viewer_reads_and_changes_nothing(client, vera, addresses, questions):
    client.force_login(vera)
    for name, address in addresses.items():
        assert client.get(address).status_code == (200 if name in READ else 403)
        if name in WRITE:
            assert client.post(address, {"name": "a", "text": "b"}).status_code == 403
        else:
            assert client.post(address).status_code == 405

    assert questions.questions.count() == 1
    page = client.get(addresses["question-set-detail"]).content.decode()
    assert "/edit/" not in page
