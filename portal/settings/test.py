"""The tests: a Postgres of their own, fast password hashing, DEBUG off as in production."""

from apps.core.postgres.launcher import EmbeddedPostgres
from portal import env
from portal.settings.base import *  # noqa: F403
from portal.settings.base import DATABASE_URL, DATABASES, INSTALLED_APPS, STATE_DIR

DEBUG = False
SECRET_KEY = "not-secret-and-only-for-tests"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.database", "tests.sample", "tests.vault"]
ROOT_URLCONF = "tests.urls"
# Not the product's, which may be running in this folder: this one is made to be quick, and nothing in it is to be kept
EMBEDDED_POSTGRES = EmbeddedPostgres(STATE_DIR / "tests" / "postgres")
if not DATABASE_URL:
    DATABASES["default"].update(env.database_from_url(EMBEDDED_POSTGRES.url()), OPTIONS=DATABASES["default"]["OPTIONS"])
DATABASES["default"]["ENGINE"] = "tests.database"
OPERATORS_NEED_SECOND_FACTOR = False
