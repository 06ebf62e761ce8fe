"""A throw-away database for benchmarks that need no web and no queue, or the one of DATABASE_URL."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectordb.models import Dataset


def start() -> None:
    """Start the server that the tests use (it does not wait for the disk), and make the tables."""
    os.environ["GROUNDWORK_TEST_DATA"] = tempfile.mkdtemp(prefix="groundwork-benchmark-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ.setdefault("GROUNDWORK_LOG_LEVEL", "WARNING")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.MEDIA_ROOT = Path(os.environ["GROUNDWORK_TEST_DATA"]) / "media"
    call_command("migrate", verbosity=0)


def dataset() -> "Dataset":
    """An empty dataset in a use case of its own."""
    from accounts.models import User
    from accounts.services import create_use_case
    from vectordb import services

    user, _ = User.objects.get_or_create(email="benchmark@example.com")
    return services.create_dataset(user=user, use_case=create_use_case(user=user))


def table(rows: list[list[object]]) -> None:
    """Print rows, the first of which is the header, in columns."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
