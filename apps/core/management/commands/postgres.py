from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Start, stop or look at the embedded PostgreSQL."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["start", "stop", "status"])

    def handle(self, *, verb: str, **options: Any) -> None:
        server = settings.EMBEDDED_POSTGRES
        if verb == "start":
            server.start()
        elif verb == "stop":
            server.stop()
        self.stdout.write("running" if server.is_running() else "stopped")
