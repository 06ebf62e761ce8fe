"""What must be done before web and worker may start; prints what the launcher needs to know.

Runs as a process of its own, so that the launcher stays small: `python -m config.prepare`.
"""

import hashlib
import json
import os
import sys

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from config.database import UnusableDatabase, require_usable_database
from config.stylesheets import BUNDLES

FIRST_USER = "admin@localhost"


def collect_static_files() -> None:
    """Copy and name static files by content, unless nothing changed since the last time."""
    fingerprint = hashlib.sha256(f"{django.VERSION} {dict(BUNDLES)}".encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            found = os.stat(storage.path(path))
            fingerprint.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    stamp = settings.STATIC_ROOT.with_name("static.stamp")
    is_there = (settings.STATIC_ROOT / "staticfiles.json").is_file() and stamp.is_file()
    if is_there and stamp.read_text() == fingerprint.hexdigest():
        return
    # Taken away first, so that a copying that is cut off is done again.
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(fingerprint.hexdigest())


def sign_in_path() -> str | None:
    """A one-time link for the user of a first start; None where people have accounts of their own."""
    from accounts import services  # models load after django.setup()
    from accounts.models import User

    if not User.objects.exists():
        User.objects.create_superuser(FIRST_USER)
    user = User.objects.filter(email=FIRST_USER, is_active=True).first()
    return services.sign_in_path(services.create_sign_in_link(user)) if user else None


def wants_sample() -> bool:
    from playground.sample_data import is_wanted  # models load after django.setup()

    return settings.LOAD_SAMPLE and is_wanted()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    try:
        require_usable_database()
    except UnusableDatabase as error:
        sys.exit(str(error))
    call_command("migrate", interactive=False, verbosity=0)
    collect_static_files()
    facts = {"sign_in_path": sign_in_path(), "wants_sample": wants_sample()}
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
