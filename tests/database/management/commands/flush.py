"""Django's, which makes kinds and permissions anew after it; here they are never taken away."""

from typing import Any

from django.core.management.commands import flush


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        super().handle(**{**options, "inhibit_post_migrate": True})
