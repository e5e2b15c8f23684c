import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.core.doctor.main import main


class Command(BaseCommand):
    """For `manage.py help`; called by name, `manage.py` goes to the doctor before it loads Django."""

    help = "Look at this installation: what is wrong, how bad it is, and what to do about it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *, json: bool, **options: Any) -> None:
        sys.exit(main(["--json"] if json else []))
