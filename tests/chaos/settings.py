"""The product as people run it, with one more app."""

from portal.settings.dev import *  # noqa: F403
from portal.settings.dev import INSTALLED_APPS, THROTTLES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos"]
ROOT_URLCONF = "tests.chaos.urls"
THROTTLES = {**THROTTLES, "pages:anonymous": "100000/minute"}
