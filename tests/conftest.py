import os

import pytest

from portal.env import database_from_url


def pytest_configure(config: pytest.Config) -> None:
    """One Postgres for the whole run, started before any worker process needs it."""
    from django.conf import settings

    if os.environ.get("PYTEST_XDIST_WORKER") or settings.DATABASE_URL:
        return
    server = settings.EMBEDDED_POSTGRES
    if not server.is_running():
        config.add_cleanup(server.stop)
    # The settings were read before the server had an address
    address = database_from_url(server.start().url())
    settings.DATABASES["default"].update({key: address[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})
