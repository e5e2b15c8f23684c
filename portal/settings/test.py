"""The tests: a Postgres of their own, fast password hashing, DEBUG off as in production."""

from portal.settings.base import *  # noqa: F403
from portal.settings.base import DATABASES, INSTALLED_APPS

DEBUG = False
SECRET_KEY = "not-secret-and-only-for-tests"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.sample", "tests.vault"]
ROOT_URLCONF = "tests.urls"
DATABASES["default"]["ENGINE"] = "tests.database"
OPERATORS_NEED_SECOND_FACTOR = False
