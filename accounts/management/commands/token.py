from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from accounts import services
from config.errors import AppError


class Command(BaseCommand):
    help = "Print a new API token, as the last line; makes the user and the use case where needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--use-case", default="", metavar="NAME", help="a use case they own")

    def handle(self, *, email: str, use_case: str, **options: object) -> None:
        try:
            user = services.ensure_user(email)
        except AppError as error:
            raise CommandError(error.message) from error
        owned = None
        if use_case:
            owned = services.ensure_use_case(user=user, name=use_case)
            self.stdout.write(f'Use case "{owned.name}" has the id {owned.pk}.')
        _, secret = services.create_token(user=user, name="manage.py token", use_case=owned)
        self.stdout.write(secret)
