"""Long work that a client may wait for. A job's id is the id of what it makes.

Each app registers how its own are looked up, so that the status view knows none of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from config.status import Status


@dataclass(frozen=True, slots=True)
class Job:
    """Where the work stands. `result_path` is where its result is once there is one; without it
    a failed job is reported as failed. It ends with one of `events`, published under `topic`, or
    one of `more_topics` where it has several parts."""

    id: str
    status: Status
    created_at: datetime
    description: str
    topic: str
    events: frozenset[str]
    message: str = ""
    result_path: str | None = None
    more_topics: tuple[str, ...] = ()


LookUp = Callable[[User, str], Job | None]

_look_ups: list[LookUp] = []


def register(look_up: LookUp) -> LookUp:
    """Add a way to find a job among those that a user may see; usable as a decorator."""
    _look_ups.append(look_up)
    return look_up


def find_job(user: User, job_id: str) -> Job | None:
    return next((job for look_up in _look_ups if (job := look_up(user, job_id))), None)
