"""Compares docs/api/openapi.json with the code, or writes it anew, so that a change of the API is seen in review."""

import difflib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.drainage import GENERATOR_STATS

from apps.core.api.schema import document

SNAPSHOT = Path("docs/api/openapi.json")
URLCONF = "portal.urls"
MOST_LINES = 60


class Command(BaseCommand):
    help = "Check that docs/api/openapi.json is what the code says; --write makes it so."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="write the file anew")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / SNAPSHOT
        made = orjson.dumps(document(URLCONF), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"
        if GENERATOR_STATS:
            GENERATOR_STATS.emit_summary()
            raise CommandError("The OpenAPI document has warnings; see above.")
        if options["write"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made)
            self.stdout.write(f"Wrote {SNAPSHOT}.")
            return
        kept = path.read_text() if path.exists() else ""
        if kept != made:
            lines = difflib.unified_diff(kept.splitlines(), made.splitlines(), str(SNAPSHOT), "code", lineterm="", n=2)
            self.stdout.write("\n".join(list(lines)[:MOST_LINES]))
            raise CommandError(f"{SNAPSHOT} isn't what the code says. If that is meant: manage.py openapi --write")
        self.stdout.write(f"{SNAPSHOT} is what the code says.")
