"""From what a request says of a log to the log, by whatever way it came."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import UseCase, User
from blueprints.kinds import AnyVersion, Kind, file_of
from config.errors import NotFound
from playground.v5 import selecting
from tracing import contents, judgments, logs
from tracing.logs import Place
from tracing.models import Face, Log, made_pk

_FIELDS = {*contents.COLUMNS, *contents.PAYLOAD}
# Nothing is asked of the query string.
_UNASKED: Mapping[str, Any] = {}


@transaction.atomic
def write(
    *,
    user: User,
    use_case: UseCase,
    kind: Kind,
    body: Mapping[str, Any],
    query: Mapping[str, Any] = _UNASKED,
) -> Log:
    """A log of the version that body and query mean, which is made where its details are new. Raises
    as `version_for` and `logs.create`; nothing is made then."""
    version = selecting.version_for(
        user=user, use_case=use_case, kind=kind, body=dict(body), query=dict(query)
    )
    return logs.create(
        user=user,
        version=version,
        face=Face.PROMPTS,
        fields=fields_of(body),
        place=_place(version, body),
        save=body["save"],
    )


@transaction.atomic
def write_judgment(
    *, user: User, use_case: UseCase, body: Mapping[str, Any], query: Mapping[str, Any] = _UNASKED
) -> Log:
    """What an evaluator says of the log that `parent_id` names."""
    version = judgments.evaluator(
        user=user,
        use_case=use_case,
        spec=body.get("spec"),
        version_id=selecting.bare_version("evaluator", dict(query)),
        environment=query.get("environment"),
        **selecting.named("evaluator", dict(body)),
    )
    judged = logs.log_named(version.file.use_case, body["parent_id"], field="parent_id")
    return judgments.judge(
        judged,
        user=user,
        version=version,
        face=Face.PROMPTS,
        fields=fields_of(body),
        place=_place(version, body),
        save=body["save"],
    )


def change(log: Log, *, user: User, body: Mapping[str, Any]) -> Log:
    """What the body names; null clears."""
    changes = fields_of(body)
    if "trace_parent_id" in body:
        parent_id = body["trace_parent_id"]
        changes["parent"] = logs.log_named(log.use_case, parent_id) if parent_id else None
    return logs.patch(log, user=user, changes=changes)


def visible_log(user: User, use_case: UseCase, public_id: str, **of_what: Any) -> Log:
    """In the token's own use case if it is there, else wherever the user may look; ids that callers chose
    mean something in the token's alone. Raises NotFound."""
    rows = Log.objects.visible_to(user).of_programs().filter(**of_what).select_related("use_case")
    found = rows.filter(use_case=use_case).named(public_id)
    if found is None and made_pk(public_id):
        found = rows.filter(chosen_id=None).named(public_id)
    if found is None:
        raise NotFound("Log not found.")
    return found


def visible_logs(user: User, use_case: UseCase, public_ids: list[str]) -> list[Log]:
    """Of these ids, those that there are; likewise."""
    rows = Log.objects.visible_to(user).of_programs()
    made = [public_id for public_id in public_ids if made_pk(public_id)]
    found = {log.public_id: log for log in rows.filter(chosen_id=None).all_named(made)}
    # Where somebody chose the same id in several use cases, the token's own counts.
    found |= {log.public_id: log for log in rows.filter(use_case=use_case).all_named(public_ids)}
    return list(found.values())


def fields_of(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in _FIELDS}


def _place(version: AnyVersion, body: Mapping[str, Any]) -> Place:
    parent_id = body.get("trace_parent_id")
    use_case = file_of(version).use_case
    return Place(
        chosen_id=body.get("log_id"),
        parent=logs.log_named(use_case, parent_id) if parent_id is not None else None,
    )
