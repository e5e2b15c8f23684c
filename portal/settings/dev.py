"""One machine, for trying the product and for building it."""

from portal import env
from portal.settings.base import *  # noqa: F403

DEBUG = True
SECRET_KEY = "not-secret-and-refused-in-production"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
OPERATORS_NEED_SECOND_FACTOR = env.boolean("IMP_OPERATORS_NEED_SECOND_FACTOR", False)
