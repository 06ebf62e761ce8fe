import time
from argparse import ArgumentParser
from datetime import timedelta

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models.functions import Now
from procrastinate.contrib.django.models import ProcrastinateWorker

from accounts.models import User
from config.errors import AppError
from playground import sample_data
from playground.sample_data import Wait

_POLL_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 120.0
_AGAIN = "Run this again: it goes on where it stopped."


class Command(BaseCommand):
    help = "Load the sample into an empty Groundwork, or complete it; a worker must be running."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", help="who will own it; the first of the staff if left out")

    def handle(self, *, email: str | None, **options: object) -> None:
        if not sample_data.is_wanted():
            self.stdout.write(
                "Nothing to do: the sample was loaded before, or work has begun here."
            )
            return
        user = _owner(email)
        _require_worker()
        started = time.monotonic()
        try:
            for wait in sample_data.load(user=user):
                self.stdout.write(f"Waiting for {wait.what}.")
                _wait_for(wait)
        except AppError as error:
            advice = f" {_AGAIN}" if sample_data.is_wanted() else ""
            raise CommandError(error.message + advice) from error
        self.stdout.write(f"The sample is loaded; it took {time.monotonic() - started:.1f} s.")


def _owner(email: str | None) -> User:
    users = User.objects.filter(is_active=True)
    if email is None:
        user = users.filter(is_staff=True).order_by("created_at").first()
    else:
        user = users.filter(email=User.objects.normalize_email(email)).first()
    if user is None:
        who = f"active user {email}" if email else "active user who is staff"
        raise CommandError(
            f"There is no {who}: `manage.py token EMAIL` makes a user, then name it with --email."
        )
    return user


def _wait_for(wait: Wait) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while not wait.is_over():
        _require_worker()
        if time.monotonic() > deadline:
            raise CommandError(
                f"The worker needs more than {_LONGEST_WAIT_SECONDS:.0f} s for {wait.what}. {_AGAIN}"
            )
        time.sleep(_POLL_SECONDS)


def _require_worker() -> None:
    oldest = Now() - timedelta(seconds=settings.WORKER_STALLED_SECONDS)
    if not ProcrastinateWorker.objects.filter(last_heartbeat__gt=oldest).exists():
        raise CommandError(f"No worker is running: start one with `manage.py worker`. {_AGAIN}")
