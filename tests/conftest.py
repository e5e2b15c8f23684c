import os
import subprocess
import sys

import pytest

from portal.env import database_from_url

pytest_plugins = ["tests.actors", "tests.browser.plugin", "tests.events.plugin", "tests.rerun"]


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
    address = database_from_url(server.start().url())
    settings.DATABASES["default"].update({key: address[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})
