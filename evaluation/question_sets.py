"""What can be done with sets of questions."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints.llm_settings import LONGEST_PROMPT
from config.errors import InvalidInput
from config.storable import storable
from evaluation.models import Question, QuestionSet
from tracing.models import Log

MOST_QUESTIONS = 10_000
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class NewQuestion:
    text: str
    expected_answer: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """How many questions were added, and how many were there already."""

    count: int
    repeated: int


def create_set(use_case: UseCase, *, user: User, name: str) -> QuestionSet:
    """Raises InvalidInput for no name, or one that is taken."""
    require_editor(use_case, user)
    return QuestionSet.objects.create(
        use_case=use_case, name=_free_name(use_case, name), created_by=user
    )


def rename_set(question_set: QuestionSet, *, user: User, name: str) -> None:
    """Raises as `create_set`."""
    require_editor(question_set.use_case, user)
    if name.strip() != question_set.name:
        question_set.name = _free_name(question_set.use_case, name)
        question_set.save(update_fields=["name"])


def delete_set(question_set: QuestionSet, *, user: User) -> None:
    require_editor(question_set.use_case, user)
    question_set.delete()


@transaction.atomic
def add_question(
    question_set: QuestionSet,
    *,
    user: User,
    text: str,
    expected_answer: str = "",
    log: Log | None = None,
) -> Question:
    """Raises InvalidInput for a question that is empty, too long or in the set already, and where the
    set is full."""
    require_editor(question_set.use_case, user)
    _lock(question_set)
    new = _checked(NewQuestion(text, expected_answer))
    if question_set.questions.filter(text=new.text).exists():
        raise InvalidInput("This question is in the set already.", field="text")
    [question] = _append(question_set, [new], user, log)
    return question


@transaction.atomic
def add_questions(
    question_set: QuestionSet, *, user: User, questions: Iterable[NewQuestion]
) -> Added:
    """All of them, but those that are there already, or none. Raises InvalidInput as `add_question`
    does."""
    require_editor(question_set.use_case, user)
    _lock(question_set)
    known = set(question_set.questions.values_list("text", flat=True))
    new: dict[str, NewQuestion] = {}
    repeated = 0
    for question in map(_checked, questions):
        if question.text in known or question.text in new:
            repeated += 1
        else:
            new[question.text] = question
        if len(known) + len(new) > MOST_QUESTIONS:
            raise _full()
    _append(question_set, list(new.values()), user, None)
    return Added(count=len(new), repeated=repeated)


@transaction.atomic
def keep_log(
    log: Log,
    *,
    user: User,
    question_set: QuestionSet | None,
    name: str,
    text: str,
    expected_answer: str,
) -> QuestionSet:
    """A call as a question of this set, or else of a new one with this name. Raises InvalidInput as
    `add_question` and `create_set` do; then nothing was made."""
    kept_in = question_set or create_set(log.use_case, user=user, name=name)
    add_question(kept_in, user=user, text=text, expected_answer=expected_answer, log=log)
    return kept_in


@transaction.atomic
def change_question(question: Question, *, user: User, text: str, expected_answer: str) -> None:
    """Raises as `add_question`."""
    question_set = question.question_set
    require_editor(question_set.use_case, user)
    _lock(question_set)
    new = _checked(NewQuestion(text, expected_answer))
    if question_set.questions.filter(text=new.text).exclude(pk=question.pk).exists():
        raise InvalidInput("This question is in the set already.", field="text")
    question.text, question.expected_answer = new.text, new.expected_answer
    question.save(update_fields=["text", "expected_answer"])


def delete_question(question: Question, *, user: User) -> None:
    require_editor(question.question_set.use_case, user)
    question.delete()


def _lock(question_set: QuestionSet) -> None:
    """Numbers are given to one after the other."""
    QuestionSet.objects.select_for_update(no_key=True).only("pk").get(pk=question_set.pk)


def _append(
    question_set: QuestionSet, new: list[NewQuestion], user: User, log: Log | None
) -> list[Question]:
    last = question_set.questions.aggregate(last=Max("number"))["last"] or 0
    if question_set.questions.count() + len(new) > MOST_QUESTIONS:
        raise _full()
    return Question.objects.bulk_create(
        Question(
            question_set=question_set,
            number=number,
            text=one.text,
            expected_answer=one.expected_answer,
            log=log,
            created_by=user,
        )
        for number, one in enumerate(new, start=last + 1)
    )


def _checked(question: NewQuestion) -> NewQuestion:
    text, expected = (storable(one).strip() for one in (question.text, question.expected_answer))
    if not text:
        raise InvalidInput("Write a question first.", field="text")
    for value, field in ((text, "text"), (expected, "expected_answer")):
        if len(value) > LONGEST_PROMPT:
            raise InvalidInput(
                f"This has {len(value):,} characters; {LONGEST_PROMPT:,} is the most.", field=field
            )
    return NewQuestion(text, expected)


def _free_name(use_case: UseCase, name: str) -> str:
    name = storable(name).strip()
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidInput(f"A name of 1 to {_LONGEST_NAME} characters, please.", field="name")
    if use_case.question_sets.filter(name=name).exists():
        raise InvalidInput("There is a set of this name: choose another.", field="name")
    return name


def _full() -> InvalidInput:
    return InvalidInput(f"A set holds {MOST_QUESTIONS:,} questions at most: begin another one.")
