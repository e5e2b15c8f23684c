"""Settings of the benchmark of lists: as in production, but any number of requests, over plain HTTP."""

from portal.settings.dev import *  # noqa: F403
from portal.settings.dev import THROTTLES

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
ROOT_URLCONF = "benchmarks.list_urls"
# The bucket is asked as ever, but one client alone may send what a thousand would
THROTTLES = {**THROTTLES, "api": "1000000/second", "api:anonymous": "1000000/second"}
