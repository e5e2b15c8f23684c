from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import demo


class Command(BaseCommand):
    help = "Loads the demo world: people to sign in as, and their workspaces. What is there already stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--force", action="store_true", help="also outside of development, where anybody knows the password"
        )

    def handle(self, *args: Any, force: bool = False, **options: Any) -> None:
        if not settings.DEBUG and not force:
            raise CommandError(
                "The demo's password is public, so its people belong into a development installation only. "
                "Set DJANGO_SETTINGS_MODULE=portal.settings.dev, or pass --force if you mean it."
            )
        for said in demo.load_all() or ["The demo's world is there."]:
            self.stdout.write(said)
