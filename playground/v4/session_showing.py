"""Sessions as answers tell of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from django.db.models import Count, QuerySet

from blueprints.models import Blueprint, File
from blueprints.paths import last_name
from blueprints.prompt_details import JSON
from config.api.case import moment
from playground.v5 import ids
from tracing.models import Log, Session
from tracing.sessions import PREFIX


def show_sessions(sessions: Sequence[Session]) -> list[JSON]:
    """Each of them, in a constant number of queries."""
    logs = Log.objects.of_programs().filter(session__in=list(sessions)).order_by()
    counts = Counter(dict(logs.values_list("session").annotate(Count("pk"))))
    projects = _projects(logs)
    first = _one_each(logs.order_by("session_id", "created_at", "pk"))
    last = _one_each(logs.order_by("session_id", "-created_at", "-pk"))
    shown = []
    for session in sessions:
        begun, ended = first.get(session.pk), last.get(session.pk)
        shown.append(
            {
                "id": f"{PREFIX}{session.pk}",
                "reference_id": session.reference_id,
                "projects": projects[session.pk],
                "datapoints_count": counts[session.pk],
                "created_at": moment(session.created_at),
                "updated_at": moment(session.updated_at),
                "first_inputs": begun.payload.inputs if begun and _has_payload(begun) else None,
                "last_output": ended.payload.text if ended and _has_payload(ended) else None,
            }
        )
    return shown


def _one_each(logs: QuerySet[Log]) -> dict[str, Log]:
    rows = logs.distinct("session_id").select_related("payload")
    return {log.session_id: log for log in rows if log.session_id}


def _has_payload(log: Log) -> bool:
    return hasattr(log, "payload")


def _projects(logs: QuerySet[Log]) -> dict[str, list[JSON]]:
    pairs = list(logs.values_list("session", "blueprint", "file").distinct())
    blueprints = Blueprint.objects.only("path").in_bulk({one for _, one, _ in pairs if one})
    files = File.objects.only("path", "kind").in_bulk({one for *_, one in pairs if one})
    found: dict[str, list[JSON]] = defaultdict(list)
    for session, blueprint, file in sorted(pairs, key=str):
        if blueprint:
            found[session].append(_project("prompt", blueprint, blueprints[blueprint].path))
        else:
            found[session].append(_project(files[file].kind, file, files[file].path))
    return found


def _project(kind: str, pk: str, path: str) -> JSON:
    return {"id": ids.file_id(kind, pk), "name": last_name(path), "type": kind}  # type: ignore[arg-type]
