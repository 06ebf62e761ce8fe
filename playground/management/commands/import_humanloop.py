from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import services
from config.errors import AppError
from playground.v5.importing import Importer

_MOST_SHOWN = 50


class Command(BaseCommand):
    help = "Bring in the prompts and logs of an export: .prompt files, and logs in .jsonl files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--email", required=True, help="who brings them in")
        parser.add_argument("--use-case", required=True, metavar="NAME", help="one they own")

    def handle(self, *, folder: Path, email: str, use_case: str, **options: Any) -> None:
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder: name the one that holds the export.")
        try:
            user = services.ensure_user(email)
            owned = services.ensure_use_case(user=user, name=use_case)
            report = Importer(user, owned, note=self.stdout.write).run(folder)
        except AppError as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"{report.prompts:,} prompts and {report.logs:,} logs are in “{owned.name}” now; "
            f"{report.known:,} logs were there already."
        )
        if report.problems:
            for problem in report.problems[:_MOST_SHOWN]:
                self.stderr.write(problem)
            raise CommandError(f"{len(report.problems):,} could not be brought in as they are.")
