"""`status/{id}/`: held open until the work ends or some seconds have passed.

Clients ask again only every five seconds, so an answer that comes the moment the work ends saves
them that wait. A held request has no thread and no database connection.
"""

import asyncio
import contextlib
import time
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import User
from config.api.auth import CHALLENGE, NO_TOKEN, TokenAuthentication
from config.api.errors import NOT_FOUND
from config.api.fallback import json_error
from config.api.jobs import Job, find_job
from config.listener import GAP, Message, listener
from config.status import Status
from config.threads import in_thread

HELD_SECONDS: Final = 15.0
# Events tell when to look; this is for one that was lost with its connection.
_LOOK_AGAIN_SECONDS: Final = 2.0

_WORDS: Final = {
    Status.NEW: "INITIALIZED",
    Status.RUNNING: "RUNNING",
    # Of jobs without a result of their own; the others lead to it.
    Status.COMPLETED: "COMPLETED",
    Status.ERROR: "ERROR",
    Status.CANCELLED: "ABORTED",
}


@csrf_exempt
async def job_status(request: HttpRequest, job_id: str) -> HttpResponse:
    """303 to the result; 200 with where the work stands; ABORTED for what was deleted meanwhile."""
    if request.method not in {"GET", "HEAD"}:
        response = json_error(request, 405, f'Method "{request.method}" not allowed.')
        response.headers["Allow"] = "GET, HEAD"
        return response
    try:
        user = await in_thread(_authenticate, request)
    except AuthenticationFailed as error:
        return _unauthorized(request, str(error.detail))
    if user is None:
        return _unauthorized(request, NO_TOKEN)
    job = await in_thread(find_job, user, job_id)
    if job is None:
        return json_error(request, 404, NOT_FOUND)
    if not job.status.is_final:
        ended = await _wait_for_end(user, job)
        if ended is None:
            return _report(job, "ABORTED", "It was deleted before it ended.")
        job = ended
    return _answer(request, job)


job_status.login_required = False  # type: ignore[attr-defined]


def _authenticate(request: HttpRequest) -> User | None:
    found = TokenAuthentication().authenticate(request)
    return found[0] if found else None


def _unauthorized(request: HttpRequest, message: str) -> HttpResponse:
    response = json_error(request, 401, message)
    response.headers["WWW-Authenticate"] = CHALLENGE
    return response


async def _wait_for_end(user: User, job: Job) -> Job | None:
    """The job as it ends, or as it stands when the time is up; None when it vanishes."""
    deadline = time.monotonic() + HELD_SECONDS
    async with listener().subscribe(job.topic, *job.more_topics) as messages:
        while True:
            # Looked up after subscribing, so that no end falls between the two.
            current = await in_thread(find_job, user, job.id)
            left = deadline - time.monotonic()
            if current is None or current.status.is_final or left <= 0:
                return current
            await _wait_for_event(messages, job.events, min(left, _LOOK_AGAIN_SECONDS))


async def _wait_for_event(
    messages: asyncio.Queue[Message], events: frozenset[str], seconds: float
) -> None:
    """Wait for one of `events` or a gap in what was heard, at most so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (message := await messages.get()) is not GAP:
                if message.event in events:
                    return


def _answer(request: HttpRequest, job: Job) -> HttpResponse:
    if job.status.is_final and job.result_path is not None:
        response = HttpResponse(status=303, content_type="application/json")
        response.headers["Location"] = request.build_absolute_uri(job.result_path)
        return response
    return _report(job, _WORDS.get(job.status, "RUNNING"), job.message)


def _report(job: Job, word: str, message: str) -> JsonResponse:
    return JsonResponse(
        {
            "statusId": job.id,
            "status": word,
            "created": job.created_at.isoformat().replace("+00:00", "Z"),
            "message": message,
            "code": 1 if word in {"ERROR", "ABORTED"} else 0,
            "description": job.description,
            "statusType": "",
        }
    )
