import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """One Postgres for the whole run, started before any worker process needs it."""
    from django.conf import settings

    if not os.environ.get("PYTEST_XDIST_WORKER") and not settings.DATABASE_URL:
        settings.EMBEDDED_POSTGRES.start()
