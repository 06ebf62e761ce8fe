"""`manage.py worker`: answers questions and builds vector databases until it is told to stop."""

import asyncio
import contextlib
import logging
import signal
import threading
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand

from blueprints.catalogue import refresh_catalogue
from blueprints.costs import load_prices
from config.garbage import spare_what_is_loaded
from playground.hooks import oversight
from playground.worker import run_forever
from vectordb.embedding import get_embedder

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Answer questions and build vector databases until told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        # In the background, so that the worker is alive at once and the first question waits for
        # the rest of the model's loading only.
        threading.Thread(target=_prepare, name="prepare", daemon=True).start()
        with contextlib.suppress(asyncio.CancelledError):
            uvloop.run(_until_signalled())


async def _until_signalled() -> None:
    asked_to_end = asyncio.Event()
    work = asyncio.create_task(run_forever(asked_to_end.is_set))

    def end() -> None:
        asked_to_end.set()
        work.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    await work


def _prepare() -> None:
    try:
        load_prices()
        refresh_catalogue()
        get_embedder(settings.DEFAULT_EMBEDDING_MODEL)
        oversight().prepare()
        spare_what_is_loaded()
    except Exception:
        # Not fatal here: whoever needs the model will try again and report.
        logger.exception("The worker could not prepare everything at its start")
