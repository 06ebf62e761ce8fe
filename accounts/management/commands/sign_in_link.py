from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import services
from accounts.models import User


class Command(BaseCommand):
    help = "Print a link that signs a user in once, within a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="?", default="admin@localhost")

    def handle(self, *, email: str, **options: object) -> None:
        user = User.objects.filter(email=User.objects.normalize_email(email)).first()
        if user is None or not user.is_active:
            raise CommandError(f"There is no active user {email}: `manage.py token` makes one.")
        path = services.sign_in_path(services.create_sign_in_link(user))
        self.stdout.write(f"http://localhost:{settings.PORT}{path}")
