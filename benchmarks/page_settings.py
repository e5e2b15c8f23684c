"""Settings of the benchmark of pages: as in production, but any number of requests, over plain HTTP."""

from portal.settings.dev import *  # noqa: F403
from portal.settings.dev import THROTTLES

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
ROOT_URLCONF = "benchmarks.page_urls"
THROTTLES = {**THROTTLES, "pages": "1000000/second", "pages:anonymous": "1000000/second"}
