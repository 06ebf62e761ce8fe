"""Feedback as version 4 has it: a word of a kind about a log, which is an evaluator's log here."""

from collections.abc import Mapping
from typing import Any

from accounts.models import UseCase, User
from blueprints.prompt_details import JSON
from config.api.case import moment
from tracing import judgments
from tracing.models import Face, Log

_DIRECTORY = "feedback"


def give(log: Log, *, user: User, use_case: UseCase, feedback: Mapping[str, Any]) -> Log:
    """Kinds of one's own come into being when they are first used. Raises InvalidInput for a rating
    that is none."""
    kind = feedback["type"]
    is_built_in = kind in judgments.BUILT_IN
    version = judgments.evaluator(
        user=user,
        use_case=use_case,
        path=kind if is_built_in else f"{_DIRECTORY}/{kind}",
        spec=None if is_built_in else judgments.FREE,
    )
    fields = {
        "judgment": None if feedback["unset"] else feedback.get("value"),
        "end_user": feedback["user"],
        "created_at": feedback.get("created_at"),
    }
    return judgments.judge(log, user=user, version=version, face=Face.SESSIONS, fields=fields)


def shown(judgment: Log, *, kind: str, data_id: str) -> JSON:
    return {
        "id": judgment.public_id,
        "type": kind,
        "value": judgment.judgment,
        "data_id": data_id,
        "user": judgment.end_user or None,
        "created_at": moment(judgment.created_at),
    }


def kind_at(path: str) -> str:
    """The kind of feedback whose evaluator is at this path."""
    return path.removeprefix(f"{_DIRECTORY}/")
