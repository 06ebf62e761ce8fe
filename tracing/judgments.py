"""What people and programs say of a log: an evaluator's log about it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from accounts.models import UseCase, User
from blueprints.files import get_or_make, select_version
from blueprints.models import FileVersion
from blueprints.prompt_details import JSON
from config.errors import InvalidInput
from tracing import deleting, logs
from tracing.logs import NOWHERE, Place
from tracing.models import Face, Log


def _spec(return_type: str, **more: Any) -> JSON:
    human = {"arguments_type": "target_free", "evaluator_type": "human"}
    return {**human, "return_type": return_type, **more}


_OPTIONS = [{"name": "good", "valence": "positive"}, {"name": "bad", "valence": "negative"}]
# They are there from the start, in every use case.
BUILT_IN: dict[str, JSON] = {
    "rating": _spec("select", options=_OPTIONS),
    "correction": _spec("text"),
}
# Of what a program calls by a name of its own.
FREE = _spec("text")


def evaluator(
    *,
    user: User,
    use_case: UseCase,
    path: str | None = None,
    file_id: str | None = None,
    spec: JSON | None = None,
    version_id: str | None = None,
    environment: str | None = None,
) -> FileVersion:
    """The version of the evaluator that is meant; see `select_version`. The built-in ones come into
    being when they are first used."""
    named: dict[str, Any] = {
        "user": user,
        "use_case": use_case,
        "kind": "evaluator",
        "path": path,
        "file_id": file_id,
    }
    is_plain = spec is None and file_id is None and version_id is None and environment is None
    if is_plain and path in BUILT_IN:
        version = get_or_make(**named, details={"spec": BUILT_IN[path]})
    else:
        version = select_version(
            **named,
            details=None if spec is None else {"spec": spec},
            version_id=version_id,
            environment=environment,
        )
    assert isinstance(version, FileVersion)  # noqa: S101 - evaluators are files
    return version


@transaction.atomic
def judge(
    judged: Log,
    *,
    user: User,
    version: FileVersion,
    face: Face,
    fields: Mapping[str, Any],
    place: Place = NOWHERE,
    save: bool = True,
) -> Log:
    """Record what an evaluator says of a log, as `judgment` among the fields. Said without one and
    without an error it takes back what the same end user said by it before; of the built-in ones any
    new word does.

    Raises InvalidInput for a word that the evaluator does not know, else as `logs.create`.
    """
    judgment = fields.get("judgment")
    _check(version.content.get("spec") or {}, judgment)
    is_withdrawn = judgment is None and not fields.get("error_message")
    earlier = Log.objects.none()
    if is_withdrawn or version.file.path in BUILT_IN:
        earlier = Log.objects.filter(
            judged=judged, file=version.file_id, end_user=fields.get("end_user") or ""
        )
    gone = list(earlier)
    made = logs.create(
        user=user,
        version=version,
        face=face,
        fields=fields,
        place=replace(place, judged=judged),
        save=save,
    )
    if gone:
        deleting.delete(gone, user=user)
    return made


def _check(spec: JSON, judgment: Any) -> None:
    options = spec.get("options")
    if judgment is None or spec.get("return_type") != "select" or not options:
        return
    names = [option.get("name") for option in options]
    if judgment not in names:
        known = ", ".join(map(str, names))
        raise InvalidInput(f"This evaluator knows: {known}.", field="judgment")
