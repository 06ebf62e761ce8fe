#!/usr/bin/env python
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

# These are of no use without a database, so they say in one sentence when it cannot be used.
NEED_DATABASE = {"load_sample", "migrate", "sign_in_link", "token", "worker"}


def needs_database(arguments: list[str]) -> bool:
    command = arguments[1] if len(arguments) > 1 else ""
    return command in NEED_DATABASE or (command == "check" and "--database" in arguments)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        if needs_database(sys.argv):
            from config.database import database_problem  # reads the settings

            problem = database_problem()
            if problem:
                sys.exit(problem)
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
