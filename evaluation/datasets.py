"""What can be done with evaluation datasets: questions, and right answers, in a CSV file."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from blueprints.llm_settings import LONGEST_PROMPT
from config.errors import Conflict, Forbidden, InvalidInput
from evaluation.dataset_rows import Row, csv_of, opened
from evaluation.models import EvaluationDatasetConfiguration
from playground.models import Playground
from vectordb.models import Dataset, Document

# More than this is not read: every row becomes a call to an LLM for every blueprint.
MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns; empty for those that a dataset does not have."""

    prompt_column_name: str
    response_column_name: str = ""
    tool_calls_column_name: str = ""
    agent_goals_column_name: str = ""

    @classmethod
    def of(cls, configuration: EvaluationDatasetConfiguration) -> "Columns":
        return cls(**{field.name: getattr(configuration, field.name) for field in fields(cls)})

    def to_dict(self) -> dict[str, str]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


_OF_COLUMNS = ("rows_count", *(field.name for field in fields(Columns)))


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question and, where the dataset has it, the right answer."""

    text: str
    reference: str


@transaction.atomic
def create_configuration(
    *, user: User, playground: Playground, dataset: Dataset, name: str, columns: Columns
) -> EvaluationDatasetConfiguration:
    """Say which columns of a dataset's CSV file are asked. Rows without a question do not count.

    Raises InvalidInput for a file that cannot be read or a column that is not in it.
    """
    require_editor(playground.use_case, user)
    configuration = EvaluationDatasetConfiguration(
        playground=playground, name=name, created_by=user
    )
    _read_into(configuration, dataset, columns, user)
    configuration.save()
    return configuration


@transaction.atomic
def update_configuration(
    configuration: EvaluationDatasetConfiguration,
    *,
    user: User,
    name: str,
    columns: Columns,
    dataset: Dataset | None = None,
) -> EvaluationDatasetConfiguration:
    """Change name and columns, and with `dataset` the file. Earlier runs stay as they were."""
    require_editor(configuration.playground.use_case, user)
    configuration.name = name
    changed = ["name"]
    if dataset is not None:
        _read_into(configuration, dataset, columns, user)
        changed += [*_OF_COLUMNS, "dataset_id", "dataset_name", "document", "size"]
    elif columns != Columns.of(configuration):
        _read_columns(configuration, _document_of(configuration), columns)
        changed += _OF_COLUMNS
    # No more than that: its file may be deleted meanwhile.
    configuration.save(update_fields=changed)
    return configuration


def delete_configuration(configuration: EvaluationDatasetConfiguration, *, user: User) -> None:
    """Runs that were begun with it go on and keep their figures."""
    require_editor(configuration.playground.use_case, user)
    configuration.delete()


def questions(configuration: EvaluationDatasetConfiguration) -> list[QuestionRow]:
    """All questions, in the order of the file. Raises InvalidInput and Conflict."""
    columns = Columns.of(configuration)
    response = columns.response_column_name
    return [
        QuestionRow(row[columns.prompt_column_name], row[response] if response else "")
        for row in _asked(_document_of(configuration), columns)
    ]


def _document_of(configuration: EvaluationDatasetConfiguration) -> Document:
    if configuration.document is None:
        raise Conflict(configuration.error_message)
    return configuration.document


def _read_into(
    configuration: EvaluationDatasetConfiguration, dataset: Dataset, columns: Columns, user: User
) -> None:
    _require_dataset(dataset, configuration.playground, user)
    document = csv_of(dataset)
    configuration.dataset_id, configuration.dataset_name = dataset.pk, dataset.name
    configuration.document, configuration.size = document, document.size
    _read_columns(configuration, document, columns)


def _read_columns(
    configuration: EvaluationDatasetConfiguration, document: Document, columns: Columns
) -> None:
    configuration.rows_count = sum(1 for _ in _asked(document, columns))
    for field, value in columns.to_dict().items():
        setattr(configuration, field, value)


def _require_dataset(dataset: Dataset, playground: Playground, user: User) -> None:
    """A dataset of the use case is seen by its members anyway; another one only its editors show."""
    if dataset.links.filter(use_case=playground.use_case).exists():
        return
    if not Dataset.objects.editable_by(user).filter(pk=dataset.pk).exists():
        raise Forbidden("You may look at this dataset but not bring it into another use case.")


def _asked(document: Document, columns: Columns) -> Iterator[Row]:
    """The rows that hold a question."""
    with opened(document) as table:
        _check_columns(columns, table.columns)
        number = 0
        for row in table.rows:
            text = row[columns.prompt_column_name]
            if not text.strip():
                continue
            number += 1
            _check_row(text, number)
            yield row
    if not number:
        raise InvalidInput(
            f"The column “{columns.prompt_column_name}” is empty: choose the one that holds "
            "the questions.",
            field="prompt_column_name",
        )


def _check_columns(columns: Columns, present: list[str]) -> None:
    for field, name in columns.to_dict().items():
        if name and name not in present:
            raise InvalidInput(
                f"The file has no column “{name}”; it has: {', '.join(filter(None, present))}.",
                field=field,
            )


def _check_row(text: str, number: int) -> None:
    if number > MOST_ROWS:
        raise InvalidInput(
            f"The file has more than {MOST_ROWS:,} questions: split it.", field="dataset"
        )
    if len(text) > LONGEST_PROMPT:
        raise InvalidInput(
            f"Question {number} has {len(text):,} characters; at most {LONGEST_PROMPT:,} are "
            "possible.",
            field="dataset",
        )
