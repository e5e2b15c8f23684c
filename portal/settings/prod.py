"""For people who depend on it: refuses to start half configured, speaks https only, keeps cookies to itself."""

import os

from portal import env
from portal.checks import refuse_unless_ready

# Before the shared settings, which would stop at the first of the findings
refuse_unless_ready(os.environ)

from portal.settings.base import *  # noqa: E402, F403

DEBUG = False
SECRET_KEY = env.text("SECRET_KEY")
# Earlier ones, that sessions and links were signed with; drop them after a while
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS")
# Where the links in mails lead: never what a request's Host header says
PUBLIC_URL = env.text("PUBLIC_URL", f"https://{ALLOWED_HOSTS[0]}")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
# Nothing is made up beside the database: a key in a container's folder would be gone with it
ENCRYPTION_KEY_FILE = None

# --- Transport -------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", True)
# From anybody but TRUSTED_PROXIES this header is dropped before it is looked at
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 365 * 24 * 3600)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.boolean("SECURE_HSTS_INCLUDE_SUBDOMAINS", True)
SECURE_HSTS_PRELOAD = env.boolean("SECURE_HSTS_PRELOAD", True)

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
LANGUAGE_COOKIE_SECURE = True
LANGUAGE_COOKIE_HTTPONLY = True

# --- Static files ----------------------------------------------------------------------------------

# Collected when the image is made: compressed once, and with names that carry a hash
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
