from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from config.errors import Forbidden, InvalidInput
from evaluation import question_files, question_sets
from evaluation.models import QuestionSet
from evaluation.question_sets import NewQuestion


@pytest.fixture
def questions(alice, use_case) -> QuestionSet:
    return question_sets.create_set(use_case, user=alice, name="Returns")


def texts(question_set: QuestionSet) -> list[str]:
    return [question.text for question in question_set.questions.all()]


def csv_file(text: str | bytes) -> SimpleUploadedFile:
    content = text.encode() if isinstance(text, str) else text
    return SimpleUploadedFile("questions.csv", content)


def test_questions_are_numbered_in_their_order(alice, questions):
    for text in ("b", "a", " c\n"):
        question_sets.add_question(questions, user=alice, text=text, expected_answer=" yes ")

    assert list(questions.questions.values_list("number", "text", "expected_answer")) == [
        (1, "b", "yes"),
        (2, "a", "yes"),
        (3, "c", "yes"),
    ]


@pytest.mark.parametrize("text", ["", " \n", "\0", "x" * 500_001])
def test_what_is_no_question_is_refused(alice, questions, text):
    with pytest.raises(InvalidInput) as refused:
        question_sets.add_question(questions, user=alice, text=text)

    assert refused.value.field == "text"
    assert texts(questions) == []


def test_a_question_is_in_a_set_once(alice, questions):
    first = question_sets.add_question(questions, user=alice, text="a")
    other = question_sets.add_question(questions, user=alice, text="b")

    with pytest.raises(InvalidInput, match="already"):
        question_sets.add_question(questions, user=alice, text="a ")
    with pytest.raises(InvalidInput, match="already"):
        question_sets.change_question(other, user=alice, text="a", expected_answer="")
    question_sets.change_question(first, user=alice, text="a", expected_answer="now")
    added = question_sets.add_questions(
        questions, user=alice, questions=[NewQuestion(text) for text in "abcc"]
    )

    assert added == question_sets.Added(count=1, repeated=3)
    assert texts(questions) == ["a", "b", "c"]


def test_of_many_all_or_none_are_added(alice, questions, monkeypatch):
    monkeypatch.setattr(question_sets, "MOST_QUESTIONS", 2)
    new = [NewQuestion("a"), NewQuestion("b"), NewQuestion("c")]

    with pytest.raises(InvalidInput, match="2 questions at most"):
        question_sets.add_questions(questions, user=alice, questions=new)
    with pytest.raises(InvalidInput, match="Write a question"):
        question_sets.add_questions(
            questions, user=alice, questions=[NewQuestion("a"), NewQuestion(" ")]
        )

    assert texts(questions) == []
    question_sets.add_questions(questions, user=alice, questions=new[:2])
    with pytest.raises(InvalidInput, match="2 questions at most"):
        question_sets.add_question(questions, user=alice, text="c")


def test_a_name_is_taken_once_in_a_use_case(alice, use_case, questions):
    other = question_sets.create_set(use_case, user=alice, name=" Shipping ")

    for name in ("Returns", " ", "x" * 201):
        with pytest.raises(InvalidInput):
            question_sets.create_set(use_case, user=alice, name=name)
        with pytest.raises(InvalidInput):
            question_sets.rename_set(other, user=alice, name=name)
    question_sets.rename_set(other, user=alice, name="Shipping")

    assert list(use_case.question_sets.values_list("name", flat=True)) == ["Returns", "Shipping"]


def test_a_viewer_changes_nothing(alice, vera, use_case, questions):
    question = question_sets.add_question(questions, user=alice, text="a")
    acts = [
        lambda: question_sets.create_set(use_case, user=vera, name="Mine"),
        lambda: question_sets.rename_set(questions, user=vera, name="Mine"),
        lambda: question_sets.delete_set(questions, user=vera),
        lambda: question_sets.add_question(questions, user=vera, text="b"),
        lambda: question_sets.add_questions(questions, user=vera, questions=[NewQuestion("b")]),
        lambda: question_sets.change_question(question, user=vera, text="b", expected_answer=""),
        lambda: question_sets.delete_question(question, user=vera),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            act()

    assert texts(questions) == ["a"]


@pytest.mark.django_db(transaction=True)
def test_questions_added_at_once_have_numbers_of_their_own(alice, questions):
    def add(text: str) -> None:
        question_sets.add_question(questions, user=alice, text=text)
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, "abcdefgh"))

    numbers = list(questions.questions.values_list("number", flat=True))
    assert numbers == list(range(1, 9))


def test_lines_are_questions():
    assert question_files.of_lines("a?\n\n  b?  \r\nc") == [
        NewQuestion("a?"),
        NewQuestion("  b?  "),
        NewQuestion("c"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Question;Answer\na;b\n;x\n", [("a", "b")]),
        ('number,prompt,reference\n1,"a, or\nb",c\n', [("a, or\nb", "c")]),
        ("\ufeffanything,else\na,b\n", [("a", "")]),
        ("question\na, b\n", [("a, b", "")]),
        ("Frage für Öl,input\nx,a\n".encode("latin-1"), [("a", "")]),
    ],
)
def test_a_csv_file_is_read_by_the_usual_names_of_its_columns(text, found):
    questions = question_files.of_csv(csv_file(text))

    assert [(one.text, one.expected_answer) for one in questions] == found


@pytest.mark.parametrize("text", ["", "a,a\n1,2\n", "a,b\n1,2,3\n", "x" * 2_000_001])
def test_a_file_that_is_no_table_is_refused(text):
    with pytest.raises(InvalidInput):
        question_files.of_csv(csv_file(text))


def test_a_file_that_is_too_large_is_not_opened(monkeypatch):
    monkeypatch.setattr(question_files, "LARGEST_FILE", 5)

    with pytest.raises(InvalidInput, match="split"):
        question_files.of_csv(csv_file("question\na\n"))


def test_what_is_exported_can_be_imported_and_is_no_formula(alice, use_case, questions):
    pairs = [("How, “long”?\nReally", 'a "quoted" answer'), ("=1+1", "-2"), ("Öl?", "")]
    question_sets.add_questions(
        questions, user=alice, questions=[NewQuestion(*pair) for pair in pairs]
    )

    text = "".join(question_files.csv_lines(questions))
    read = question_files.of_csv(csv_file(text))

    assert "'=1+1" in text
    assert "'-2" in text
    assert [(one.text, one.expected_answer) for one in read] == pairs
    again = question_sets.add_questions(questions, user=alice, questions=read)
    assert again == question_sets.Added(count=0, repeated=3)
