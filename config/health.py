"""Whether the parts work, for launchers, load balancers and people."""

import asyncio
import functools
from datetime import timedelta

import psycopg
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.database import connection_parameters

_DATABASE_SECONDS = 3.0


@login_not_required
@never_cache
@require_safe
async def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the web process answers at all."""
    return JsonResponse({"healthy": True})


@login_not_required
@never_cache
@require_safe
async def readyz(request: HttpRequest) -> JsonResponse:
    """200 when questions would be answered; else 503 and what is wrong, in sentences."""
    try:
        async with asyncio.timeout(_DATABASE_SECONDS):
            problems = await _problems()
    except (psycopg.Error, TimeoutError):
        problems = ["The database does not answer."]
    return JsonResponse(
        {"ready": not problems, "problems": problems}, status=503 if problems else 200
    )


async def _problems() -> list[str]:
    # A connection of its own: a pool that is used up says nothing about the database.
    async with await psycopg.AsyncConnection.connect(**connection_parameters()) as link:
        applied = await link.execute("SELECT app, name FROM django_migrations")
        if not _migrations() <= set(await applied.fetchall()):
            return ["The database is not migrated: run `manage.py migrate`."]
        stalled = timedelta(seconds=settings.WORKER_STALLED_SECONDS)
        alive = await link.execute(
            "SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > now() - %s LIMIT 1",
            [stalled],
        )
        if await alive.fetchone() is None:
            return ["No worker is running: start one with `manage.py worker`."]
    return []


@functools.cache
def _migrations() -> set[tuple[str, str]]:
    """(app, name) of each migration in the code; squashed ones count once they are recorded."""
    return set(MigrationLoader(None).disk_migrations)


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
