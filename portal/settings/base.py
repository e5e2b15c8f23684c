"""What every environment shares. dev, test and prod say only where they differ."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from apps.core.postgres.launcher import EmbeddedPostgres
from portal import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
STATE_DIR = env.state_dir(BASE_DIR)
VERSION = "0.1.0"

# --- Apps ------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "apps.accounts",
    "apps.audit",
    "apps.core",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_q",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "template_partials",
]

MIDDLEWARE = [
    "apps.core.web.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.web.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.accounts.middleware.PreferencesMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
ASGI_APPLICATION = "portal.asgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.shell",
            ],
        },
    },
]

# --- Database --------------------------------------------------------------------------------------

DATABASE_URL = env.text("DATABASE_URL")
EMBEDDED_POSTGRES = EmbeddedPostgres(STATE_DIR / "postgres")
DATABASES = {
    "default": {
        **env.database_from_url(DATABASE_URL or EMBEDDED_POSTGRES.url()),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"

# --- Secrets ---------------------------------------------------------------------------------------

# `id:base64` of 32 bytes each; the first seals, the others still open. Without any, a key is made once in this file.
ENCRYPTION_KEYS = env.text("IMP_ENCRYPTION_KEYS")
ENCRYPTION_KEY_FILE: Path | None = STATE_DIR / "encryption_keys"

# --- Language and time -----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ko", _("Korean"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static files ----------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static" / "collected"
STATICFILES_DIRS = [BASE_DIR / "static" / "dist"]
ASSET_MANIFEST = BASE_DIR / "static" / "dist" / "manifest.json"
WHITENOISE_IMMUTABLE_FILE_TEST = r"-[A-Z0-9]{8}\.(css|js|svg)(\.map)?$"  # the names that esbuild gives

# --- Tasks -----------------------------------------------------------------------------------------

Q_CLUSTER = {
    "name": "imp",
    "orm": "default",
    "broker_class": "apps.core.queue.broker.NotifyBroker",
    "workers": env.integer("IMP_WORKERS", 2),
    "timeout": 20,
    "retry": 90,
    "poll": 2,
    "bulk": 2,
    "queue_limit": 2,
    "max_attempts": 3,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "scheduler": False,
    "label": "Tasks",
}

# --- Processes ------------------------------------------------------------------------------------

UP_PARTS = "portal.processes.parts"

# --- API -------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Imp Gateway API",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
}
