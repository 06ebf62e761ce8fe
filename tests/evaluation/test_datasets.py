"""Which columns of a CSV file hold questions and right answers."""

import csv

import pytest

from accounts.services import create_use_case
from config.errors import Conflict, Forbidden, InvalidInput
from evaluation import dataset_rows, datasets
from evaluation.datasets import Columns, QuestionRow
from evaluation.models import EvaluationDatasetConfiguration
from playground import services as playgrounds
from vectordb import services as vectordb
from vectordb.models import Dataset

QUESTIONS = "question,answer,notes\nWhich oil?,Rapeseed oil.,a\nWho pays?,The county.,\n"


@pytest.fixture
def configure(alice, playground, upload):
    def make(text: str | bytes = QUESTIONS, **columns: str) -> EvaluationDatasetConfiguration:
        columns = columns or {"prompt": "question"}
        return datasets.create_configuration(
            user=alice,
            playground=playground,
            dataset=upload(questions_csv=text),
            name="Oil",
            columns=Columns(**{f"{name}_column_name": column for name, column in columns.items()}),
        )

    return make


def asked(configuration) -> list[str]:
    return [row.text for row in datasets.questions(configuration)]


def test_questions_come_with_their_right_answers(configure):
    configuration = configure(prompt="question", response="answer")

    assert datasets.questions(configuration) == [
        QuestionRow("Which oil?", "Rapeseed oil."),
        QuestionRow("Who pays?", "The county."),
    ]
    assert configuration.rows_count == 2
    assert configuration.size == len(QUESTIONS)
    assert configuration.dataset_name == "Questions"


def test_a_process_that_read_no_file_yet_reads_long_cells_too(configure):
    longest = "x" * 200_000
    configuration = configure(f'question,answer\nWhich oil?,"{longest}"\n', prompt="question")
    csv.field_size_limit(131_072)  # as Python begins

    assert asked(configuration) == ["Which oil?"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("question\nWhich oil?\n", ["Which oil?"]),
        ("question\nHello, which oil?\n", ["Hello, which oil?"]),
        ("question;a\nWhich oil?;x\n", ["Which oil?"]),
        ("question\ta\nWhich oil?\tx\n", ["Which oil?"]),
        ('question,a\n"Which, oil?\nAnd ""why""?",x\n', ['Which, oil?\nAnd "why"?']),
        ("question,a\r\nWhich oil?,x\r\n", ["Which oil?"]),
        ("a,question\nx, Which oil? \n", [" Which oil? "]),
        ("a,question\nx\nx,Which oil?\n", ["Which oil?"]),
        ("question,a\n\n ,x\nWhich oil?,x\n,\n", ["Which oil?"]),
        (" question ,a\nWhich oil?,x", ["Which oil?"]),
        ("\ufeffquestion,a\nWhich oil?,x", ["Which oil?"]),
        ("question,a\nWelches Öl?,x\n".encode("utf-16"), ["Welches Öl?"]),
        ("question,a\nWhich\0 oil?,x\n", ["Which oil?"]),
    ],
)
def test_it_reads_tables_as_they_come(configure, text, expected):
    configuration = configure(text)

    assert asked(configuration) == expected
    assert configuration.rows_count == len(expected)


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("other,a\nx,y\n", "prompt_column_name", "no column “question”; it has: other, a."),
        ("question,a\n,x\n", "prompt_column_name", "is empty"),
        ("question,a\n", "prompt_column_name", "is empty"),
        ("question,question\nx,y\n", "dataset", "Two columns of the file are called “question”"),
        ("\n\n", "dataset", "must name its columns"),
        (
            "question,a\nx,y\nx,y,z\n",
            "dataset",
            "Line 3 of the file has 3 cells, its header only 2",
        ),
        ("question,a\n" + "x" * 500_001 + ",y\n", "dataset", "Question 1 has 500,001 characters"),
        ("question,a\n" + "x" * 2_000_000 + ",y\n", "dataset", "more than 2,000,000 characters"),
        ("question,a\n" + "x,y\n" * 10_001, "dataset", "more than 10,000 questions"),
        (
            "question," + ",".join(f"c{number}" for number in range(16_000)) + "\nx\n",
            "dataset",
            "16,001 columns; 1,000 is the most",
        ),
    ],
)
def test_it_says_what_is_wrong_with_a_file(configure, text, field, said):
    with pytest.raises(InvalidInput) as refused:
        configure(text)

    assert said in refused.value.message
    assert refused.value.field == field
    assert not EvaluationDatasetConfiguration.objects.exists()


@pytest.mark.parametrize("column", ["response", "tool_calls", "agent_goals"])
def test_every_column_must_be_there(configure, column):
    with pytest.raises(InvalidInput) as refused:
        configure(prompt="question", **{column: "wrong"})

    assert refused.value.field == f"{column}_column_name"


def test_the_largest_file_and_the_longest_question_are_taken(configure):
    text = "question,a\n" + "x" * 500_000 + ",y\n" + "x,y\n" * 9_999

    assert configure(text).rows_count == 10_000


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"notes_txt": "Rapeseed"}, "no CSV file"),
        ({"a_csv": "question\nx\n", "b_csv": "question\ny\n"}, "more than one CSV file"),
    ],
)
def test_a_dataset_needs_one_csv_file(alice, playground, upload, files, said):
    dataset = upload(**files)

    with pytest.raises(InvalidInput, match=said):
        datasets.create_configuration(
            user=alice, playground=playground, dataset=dataset, name="", columns=Columns("question")
        )


def test_other_files_beside_it_do_not_matter(alice, playground, upload):
    dataset = upload(a_csv=QUESTIONS, notes_txt="Rapeseed")

    made = datasets.create_configuration(
        user=alice, playground=playground, dataset=dataset, name="", columns=Columns("question")
    )

    assert made.rows_count == 2


def test_without_its_file_it_can_only_be_looked_at(alice, configure):
    configuration = configure()
    vectordb.delete_dataset(Dataset.objects.get(), user=alice)
    configuration.refresh_from_db()

    assert (configuration.status, configuration.dataset_name) == ("ERROR", "Questions")
    with pytest.raises(Conflict):
        datasets.questions(configuration)
    with pytest.raises(Conflict):
        datasets.update_configuration(
            configuration, user=alice, name="Oil", columns=Columns("answer")
        )


def test_it_can_be_renamed_without_its_file(alice, configure):
    configuration = configure()
    vectordb.delete_dataset(Dataset.objects.get(), user=alice)
    configuration.refresh_from_db()

    datasets.update_configuration(
        configuration, user=alice, name="Other", columns=Columns("question")
    )

    assert EvaluationDatasetConfiguration.objects.get().name == "Other"


def test_another_file_is_read_anew(alice, configure, upload):
    configuration = configure()

    datasets.update_configuration(
        configuration,
        user=alice,
        name="Oil",
        columns=Columns("q"),
        dataset=upload(other_csv="q,a\nWhy?,x\n"),
    )

    configuration.refresh_from_db()
    assert asked(configuration) == ["Why?"]
    assert configuration.rows_count == 1


def test_a_refused_change_changes_nothing(alice, configure, upload):
    configuration = configure()

    with pytest.raises(InvalidInput):
        datasets.update_configuration(
            configuration,
            user=alice,
            name="Other",
            columns=Columns("question"),
            dataset=upload(other_csv="q,a\nWhy?,x\n"),
        )

    configuration.refresh_from_db()
    assert (configuration.name, configuration.rows_count) == ("Oil", 2)


def test_who_only_looks_at_a_dataset_does_not_carry_it_elsewhere(vera, upload):
    dataset = upload(questions_csv=QUESTIONS)
    own = create_use_case(user=vera, name="Vera's")
    playground = playgrounds.create_playground(user=vera, use_case=own, name="Hers")

    with pytest.raises(Forbidden):
        datasets.create_configuration(
            user=vera, playground=playground, dataset=dataset, name="", columns=Columns("question")
        )


def test_a_file_that_vanished_is_said(configure, settings, tmp_path):
    configuration = configure()
    settings.MEDIA_ROOT = tmp_path / "elsewhere"

    with pytest.raises(InvalidInput, match="deleted meanwhile"):
        datasets.questions(configuration)


def test_it_is_read_as_a_stream(configure):
    document = configure().document

    with dataset_rows.opened(document) as table:
        assert table.columns == ["question", "answer", "notes"]
        assert next(table.rows)["question"] == "Which oil?"
