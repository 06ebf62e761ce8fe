"""What the lists of logs are read by: each filter has an index that gives the newest first."""

from django.db.models import F, FloatField, Func, Index, Q
from django.db.models.functions import Coalesce

from config.status import Status

_NEWEST = ("-created_at", "-id")
_ROOTS = Q(parent=None)


# What `duration` is, where the SQL is our own.
DURATION = "coalesce(latency_ms, (EXTRACT(epoch FROM ended_at - started_at) * 1000)::float8)"


class Lasted(Func):
    """Milliseconds from the second moment to the first."""

    template = "(EXTRACT(epoch FROM %(expressions)s) * 1000)::double precision"
    arg_joiner = " - "
    output_field = FloatField()


def duration() -> Coalesce:
    """Milliseconds, as `Log.duration_ms` has them. As the index has it, to be found by it."""
    return Coalesce("latency_ms", Lasted("ended_at", "started_at"))


LISTS = [
    Index(fields=["use_case", *_NEWEST], name="log_newest"),
    Index(fields=["use_case", *_NEWEST], condition=_ROOTS, name="log_roots_newest"),
    Index(fields=["blueprint_version", *_NEWEST], name="log_of_blueprint_version"),
    Index(fields=["file_version", *_NEWEST], name="log_of_file_version"),
    Index(fields=["user", "use_case", *_NEWEST], name="log_of_user_newest"),
    Index(
        fields=["use_case", "end_user", *_NEWEST],
        condition=~Q(end_user=""),
        name="log_of_end_user_newest",
    ),
    Index(
        fields=["use_case", "source", *_NEWEST],
        condition=~Q(source=""),
        name="log_of_source_newest",
    ),
    Index(
        fields=["use_case", "environment", *_NEWEST],
        condition=~Q(environment=""),
        name="log_of_environment_newest",
    ),
    Index(fields=["use_case", "face", *_NEWEST], condition=_ROOTS, name="log_by_face_newest"),
    Index(
        fields=["use_case", "status", *_NEWEST],
        condition=~Q(status=Status.COMPLETED),
        name="log_unfinished_or_failed",
    ),
    Index(fields=["use_case", *_NEWEST], condition=Q(thumbs_up__gt=0), name="log_good_newest"),
    Index(fields=["use_case", *_NEWEST], condition=Q(thumbs_down__gt=0), name="log_bad_newest"),
    Index(
        fields=["use_case", *_NEWEST], condition=Q(judgment_count__gt=0), name="log_judged_newest"
    ),
    Index(fields=["use_case", "cost"], condition=Q(cost__gt=0), name="log_by_cost"),
    Index(F("use_case"), duration(), condition=_ROOTS, name="log_by_duration"),
    # For retention, which empties the oldest first and must not look through those that are empty.
    Index(
        fields=["use_case", "created_at", "id"],
        condition=Q(is_payload_kept=True),
        name="log_payloads_oldest",
    ),
]
