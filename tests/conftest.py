import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.utils import timezone, translation

from apps.core.postgres.connection import SUPERUSER, Connection
from portal.env import database_from_url

pytest_plugins = ["tests.actors", "tests.browser.plugin", "tests.events.plugin", "tests.rerun", "tests.told"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what is rendered now over the goldens")


def pytest_configure(config: pytest.Config) -> None:
    """One Postgres and one build of front end and runtime for the whole run, before any worker process needs them."""
    from django.conf import settings

    if os.environ.get("PYTEST_XDIST_WORKER"):
        return
    built = subprocess.run([sys.executable, "tools/assets.py"], cwd=settings.BASE_DIR, check=False)
    if built.returncode:
        pytest.exit("The front end and the runtime could not be built; the reason stands above.", returncode=1)
    if settings.DATABASE_URL:
        return
    server = settings.EMBEDDED_POSTGRES
    if not server.is_running():
        config.add_cleanup(server.stop)
    # The settings were read before the server had an address
    connection = server.start()
    be_quick(connection)
    address = database_from_url(connection.url())
    settings.DATABASES["default"].update({key: address[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})


@pytest.fixture(autouse=True)
def _language_and_zone_of_nobody() -> Iterator[None]:
    """A page leaves those of its reader in the thread, where the next test would meet them."""
    yield
    translation.deactivate()
    timezone.deactivate()


def be_quick(server: Connection) -> None:
    """Without waiting for the disk: what is on the tests' own server needn't outlive a loss of power."""
    superuser = {"user": SUPERUSER, "password": server.superuser_password, "dbname": SUPERUSER}
    with psycopg.connect(host=server.host, port=server.port, autocommit=True, **superuser) as there:
        for setting in ("fsync", "full_page_writes"):
            there.execute(f"ALTER SYSTEM SET {setting} = off")
        there.execute("SELECT pg_reload_conf()")
