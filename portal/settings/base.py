"""What every environment shares. dev, test and prod say only where they differ."""

from datetime import timedelta
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from apps.core.postgres.launcher import EmbeddedPostgres
from portal import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
STATE_DIR = env.state_dir(BASE_DIR)
VERSION = "0.1.0"

# --- Apps ------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "apps.triggers",
    "apps.documents",
    "apps.functions",
    "apps.logs",
    "apps.gateways",
    "apps.fleet",
    "apps.access",
    "apps.sso",
    "apps.tenants",
    "apps.accounts",
    "apps.audit",
    "apps.core",
    "unfold.apps.BasicAppConfig",
    "portal.apps.OperatorsAdminConfig",
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

# Outermost first. The client's address must be known before the request's id is bound to it; a page over the limit
# or a problem is told with person, language and messages at hand, so those two stand innermost.
MIDDLEWARE = [
    "apps.core.health.HealthMiddleware",
    "apps.core.web.middleware.ClientAddressMiddleware",
    "apps.core.web.middleware.RequestIdMiddleware",
    "apps.core.telemetry.TelemetryMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.web.middleware.BrowserRulesMiddleware",
    "apps.accounts.middleware.NothingKeptMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "apps.accounts.sessions.authentication.AuthenticationMiddleware",
    "apps.accounts.middleware.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.web.throttle.PageThrottleMiddleware",
    "apps.accounts.middleware.ConfirmationMiddleware",
    "apps.core.web.errors.ProblemMiddleware",
    "apps.tenants.view_as.middleware.ViewAsMiddleware",
    "apps.tenants.middleware.TenantMiddleware",
]
CSRF_FAILURE_VIEW = "apps.core.web.errors.csrf_failure"
# Addresses or networks whose X-Forwarded-* headers are believed; nobody's by default
TRUSTED_PROXIES = env.words("TRUSTED_PROXIES")

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
            "builtins": ["apps.core.templatetags.addresses"],
            "libraries": {"i18n": "apps.core.templatetags.translations"},
        },
    },
]

# Two libraries called i18n: ours stands for Django's on purpose
SILENCED_SYSTEM_CHECKS = ["templates.W003"]

# --- Database --------------------------------------------------------------------------------------

DATABASE_URL = env.text("DATABASE_URL")
EMBEDDED_POSTGRES = EmbeddedPostgres(STATE_DIR / "postgres")
_database = env.database_from_url(DATABASE_URL or EMBEDDED_POSTGRES.url())
DATABASES = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # What a connection asks again and again is planned once
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 5, **_database["OPTIONS"]},
    }
}
# What every process must see alike: attempts to sign in, codes that were used. Nothing else is kept in it
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "core_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.sessions.authentication.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# Whether anybody may make an account; people who are invited always can
SIGN_UP_IS_OPEN = env.boolean("IMP_OPEN_SIGN_UP", True)
ACCOUNT_ADAPTER = "apps.sso.adapters.AccountAdapter"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_COOKIE_AGE = 30 * 24 * 3600
# Tries at one account from one network, and from one place at any; then at one account from everywhere, so that
# many places guess no faster, while one of them alone can't keep its owner out
ACCOUNT_RATE_LIMITS = {
    "login_failed": "5/15m/key,30/5m/ip",
    "login_failed_anywhere": "50/h/key",
    "login": "60/m/ip",
    "signup": "30/h/ip",
    "sign_up_confirm": "5/15m/key",
    "reset_password": "30/h/ip",
}
# So long a password or code that was typed counts for what is dangerous
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
MFA_ADAPTER = "apps.accounts.second_factor.adapter.SecondFactorAdapter"
MFA_TOTP_ISSUER = "Imp Gateway"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Whoever says so isn't asked for the code in that browser for so long; operators always are
MFA_TRUST_ENABLED = True
MFA_TRUST_COOKIE_AGE = 30 * 24 * 3600
# An operator without a second factor is sent to set one up before the admin opens
OPERATORS_NEED_SECOND_FACTOR = env.boolean("IMP_OPERATORS_NEED_SECOND_FACTOR", True)
SESSION_ENGINE = "apps.accounts.sessions.store"
SESSION_COOKIE_AGE = 30 * 24 * 3600
# Of a session that isn't kept for 30 days, since it was last used
SESSION_UNUSED_END = timedelta(hours=24)

# --- Function gateways -----------------------------------------------------------------------------

# The server for the gateways' own databases, as a role that may make databases and roles; empty: the platform's
GATEWAYS_DATABASE_URL = env.text("GATEWAYS_DATABASE_URL")
# That a workspace may have
MOST_GATEWAYS = env.integer("IMP_MOST_GATEWAYS", 500)
# That a gateway may have, all stages together
MOST_FUNCTIONS = env.integer("IMP_MOST_FUNCTIONS", 1_000)
MOST_TRIGGERS = env.integer("IMP_MOST_TRIGGERS", 100)
# Versions of a function that are kept beside the pinned ones, and days in the recycle bin
VERSIONS_KEPT = env.integer("IMP_VERSIONS_KEPT", 30)
RECYCLE_DAYS = env.integer("IMP_RECYCLE_DAYS", 30)
# Asked about custom domains, `address` or `address:port`; empty: those of this machine
DNS_SERVERS = env.words("DNS_SERVERS")
# Where the agents of clusters dial
AGENTS_PORT = env.integer("AGENTS_PORT", 7443)
# As they find it from where they are, `host:port`; empty: the portal's own host
AGENTS_ADDRESS = env.text("AGENTS_ADDRESS")
# Files of a certificate and its key. Without them agents are served on this machine only
AGENTS_TLS_CERT = env.text("AGENTS_TLS_CERT")
AGENTS_TLS_KEY = env.text("AGENTS_TLS_KEY")

# --- Mail ------------------------------------------------------------------------------------------

_mail = env.mail_from_url(env.text("EMAIL_URL"))
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST = _mail.get("EMAIL_HOST", "")
EMAIL_PORT = _mail.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "Imp Gateway <no-reply@imp.example>")
# Where the links in mails lead
PUBLIC_URL = env.text("PUBLIC_URL", f"http://localhost:{env.integer('PORT', 8000)}")

# --- Secrets ---------------------------------------------------------------------------------------

# `id:base64` of 32 bytes each; the first seals, the others still open. Without any, a key is made once in this file.
ENCRYPTION_KEYS = env.text("IMP_ENCRYPTION_KEYS")
ENCRYPTION_KEY_FILE: Path | None = STATE_DIR / "encryption_keys"

# --- The operators' admin --------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": "Imp Gateway",
    "SITE_HEADER": "Imp Gateway",
    "SITE_SUBHEADER": _("Operators"),
    "SITE_URL": None,
    "SITE_ICON": "portal.operators.mark",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "portal.operators.mark"}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": ["portal.operators.stylesheet"],
    "SCRIPTS": ["portal.operators.script"],
    "ACCOUNT": {"navigation": "portal.operators.account_links"},
    "SIDEBAR": {"navigation": "portal.operators.navigation"},
}

# --- Language and time -----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ko", _("Korean"))]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "portal.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static files ----------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static" / "collected"
STATICFILES_DIRS = [BASE_DIR / "static" / "dist", BASE_DIR / "static" / "monaco" / "dist"]
ASSET_MANIFESTS = [folder / "manifest.json" for folder in STATICFILES_DIRS]
WHITENOISE_IMMUTABLE_FILE_TEST = r"-[A-Z0-9]{8}\.(css|js|svg|ttf)(\.map)?$"  # the names that esbuild gives

# --- Tasks -----------------------------------------------------------------------------------------

Q_CLUSTER = {
    "name": "imp",
    "orm": "default",
    "broker_class": "apps.core.queue.broker.NotifyBroker",
    "workers": env.integer("IMP_WORKERS", 2),
    "timeout": 20,
    "retry": 90,
    "poll": 2,
    "max_attempts": 3,
    "recycle": 5000,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "scheduler": False,
    "label": "Tasks",
}
# Each waits for the one before: a call to a cluster, its task, the lease on its row, the queue's second try
KUBE_TIMEOUT = timedelta(seconds=6)
LEASE = timedelta(seconds=45)

# --- Processes ------------------------------------------------------------------------------------

# The module that declares what `manage.py up` runs
UP_DECLARATION = "portal.processes"

# --- Logs and figures ------------------------------------------------------------------------------

LOGGING_CONFIG = "apps.core.logs.configure"
# format: console, json, or nothing for what fits where the lines go
LOGGING = {"format": env.text("IMP_LOG_FORMAT"), "level": env.text("IMP_LOG_LEVEL", "info")}
# Whoever collects /metrics sends it as a bearer token; without one there's no such page outside of development
METRICS_TOKEN = env.text("IMP_METRICS_TOKEN")

# --- Live pages ------------------------------------------------------------------------------------

# The event stream's port when it isn't served under the pages' own origin; 0: same origin
LIVE_PORT = env.integer("LIVE_PORT", 0)
# Where the pages are, whose stream comes from LIVE_PORT
WEB_PORT = env.integer("PORT", 8000)

# --- API -------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "apps.core.api.schema.Schema",
    # The first one that sees credentials of its kind decides
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.access.authentication.TokenAuthentication",
        "apps.core.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "apps.access.permissions.WithinScopes",
    ],
    "DEFAULT_RENDERER_CLASSES": ["apps.core.api.formats.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.api.formats.JsonParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.core.api.formats.JsonNegotiation",
    "EXCEPTION_HANDLER": "apps.core.api.exceptions.handle",
    # As lists have it, whose JSON PostgreSQL writes; datetimes are rendered in TIME_ZONE, which is UTC
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Imp Gateway API",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "GatewayStateEnum": "apps.gateways.lifecycle.table.State",
        "StageNameEnum": "apps.gateways.sizes.StageName",
        "StageStateEnum": "apps.gateways.models.Stage.State",
        "KindEnum": "apps.tenants.roles.Kind",
        "TriggerRunKindEnum": "apps.triggers.models.TriggerRun.Kind",
        "FunctionVersionKindEnum": "apps.functions.models.FunctionVersion.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.api.schema.describe_whole",
    ],
    "PREPROCESSING_HOOKS": ["apps.core.api.schema.only_our_api"],
}
# Requests of one person, and of one address not signed in; each process counts for itself
THROTTLES = {
    "api": env.text("IMP_API_RATE", "1200/minute"),
    "api:anonymous": env.text("IMP_API_ANONYMOUS_RATE", "120/minute"),
    "pages": env.text("IMP_PAGE_RATE", "600/minute"),
    "pages:anonymous": env.text("IMP_PAGE_ANONYMOUS_RATE", "300/minute"),
}
