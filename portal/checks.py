"""What production must have before anything starts, and what it should have: all findings at once, each by its name."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from apps.core.crypto.keys import parse_keys
from portal import env

SHORTEST_SECRET = 50
FEWEST_DIFFERENT_CHARACTERS = 10
# As in the settings for development and for tests, and what Django's startproject writes
KNOWN_SECRETS = ("not-secret", "django-insecure", "changeme", "change-me")
HOW_TO_MAKE_ONE = "make one with `openssl rand -base64 48`"


def production_findings(environment: Mapping[str, str]) -> list[str]:
    """Why production can't start with these variables."""
    found: list[str] = []
    secret = environment.get("SECRET_KEY", "").strip()
    if not secret:
        found.append(f"SECRET_KEY is missing: {HOW_TO_MAKE_ONE}.")
    elif secret.startswith(KNOWN_SECRETS):
        found.append(f"SECRET_KEY is one that everybody knows: {HOW_TO_MAKE_ONE}.")
    elif len(secret) < SHORTEST_SECRET or len(set(secret)) < FEWEST_DIFFERENT_CHARACTERS:
        found.append(f"SECRET_KEY is shorter than {SHORTEST_SECRET} characters or too regular: {HOW_TO_MAKE_ONE}.")
    hosts = [host.strip() for host in environment.get("ALLOWED_HOSTS", "").split(",") if host.strip()]
    if not hosts:
        found.append("ALLOWED_HOSTS is missing: name the hosts it is reached under, such as console.example.com.")
    elif "*" in hosts:
        found.append("ALLOWED_HOSTS allows every host by `*`: name those it is reached under.")
    if not environment.get("DATABASE_URL", "").strip():
        found.append("DATABASE_URL is missing: write it as postgres://user:password@host:5432/name.")
    else:
        found += _refusal("DATABASE_URL", lambda: env.database_from_url(environment["DATABASE_URL"].strip()))
    if of_gateways := environment.get("GATEWAYS_DATABASE_URL", "").strip():
        found += _refusal("GATEWAYS_DATABASE_URL", lambda: env.database_from_url(of_gateways))
    if not environment.get("IMP_ENCRYPTION_KEYS", "").strip():
        found.append("IMP_ENCRYPTION_KEYS is missing: write id:key, the key made with `openssl rand -base64 32`.")
    else:
        found += _refusal("IMP_ENCRYPTION_KEYS", lambda: parse_keys(environment["IMP_ENCRYPTION_KEYS"]))
    if not environment.get("PUBLIC_URL", "").strip() and hosts and hosts[0].startswith("."):
        found.append("PUBLIC_URL is missing: write where links in mails lead, such as https://console.example.com.")
    mail_server = environment.get("EMAIL_URL", "").strip()
    if mail_server:
        found += _refusal("EMAIL_URL", lambda: env.mail_from_url(mail_server))
        if "@" not in environment.get("EMAIL_FROM", ""):
            found.append("EMAIL_FROM is missing: write who mails come from, such as Console <no-reply@example.com>.")
    if environment.get("DEBUG", "").strip().lower() not in env.FALSE:
        found.append("DEBUG is on: unset it, for its error pages show settings and code to everybody.")
    return found


def refuse_unless_ready(environment: Mapping[str, str]) -> None:
    if found := production_findings(environment):
        lines = "\n".join(f"  - {finding}" for finding in found)
        raise ImproperlyConfigured(f"This isn't ready for production:\n{lines}")


@checks.register(checks.Tags.security, deploy=True)
def check_proxies(**_: Any) -> list[checks.CheckMessage]:
    """Behind a proxy that isn't trusted every request looks like plain http, and is redirected without end."""
    if not settings.SECURE_SSL_REDIRECT or settings.TRUSTED_PROXIES:
        return []
    return [
        checks.Warning(
            "SECURE_SSL_REDIRECT is on and no proxy is trusted.",
            hint="Name the proxy that ends TLS in TRUSTED_PROXIES, by its address or network.",
            id="portal.W001",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def check_mail(**_: Any) -> list[checks.CheckMessage]:
    """Nobody could sign up, choose a forgotten password anew or be invited."""
    if not settings.EMAIL_BACKEND.endswith(".KeepingBackend"):
        return []
    return [
        checks.Warning(
            "EMAIL_URL isn't set, so no mail is sent.",
            hint="Write EMAIL_URL as smtp://user:password@host:587, and EMAIL_FROM as who they come from.",
            id="portal.W002",
        )
    ]


def _refusal(name: str, read: Callable[[], object]) -> list[str]:
    try:
        read()
    except ImproperlyConfigured as error:
        text = str(error)
        return [text if text.startswith(name) else f"{name}: {text}"]
    return []
