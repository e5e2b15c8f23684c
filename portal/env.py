"""Reads settings from the environment, with errors that say which variable is wrong and what it wants."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def boolean(name: str, default: bool = False) -> bool:
    raw = os.environ.get(name)
    if raw is None:
        return default
    value = raw.strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {raw!r}; write true or false.")


def integer(name: str, default: int) -> int:
    raw = text(name)
    if not raw:
        return default
    try:
        return int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {raw!r}; write a whole number.") from None


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def state_dir(base: Path) -> Path:
    """Where this installation keeps what it makes at run time: Postgres, keys, locks."""
    return Path(os.environ.get("IMP_STATE_DIR") or base / ".imp").resolve()


def mail_from_url(url: str) -> dict[str, Any]:
    """`smtp://user:password@host:587` as Django's settings: STARTTLS, unless the host is this machine.

    `smtps://` speaks TLS from the first byte. Without an address, mails are kept and nothing is sent.
    """
    if not url:
        return {"EMAIL_BACKEND": "apps.core.mail.backends.KeepingBackend"}
    hint = "Write EMAIL_URL as smtp://user:password@host:587, or smtps://user:password@host:465"
    parts, port = _split(url, hint)
    if parts.scheme not in ("smtp", "smtps"):
        raise ImproperlyConfigured(f"{hint}; {parts.scheme or 'no scheme'!r} is no way to send mail.")
    if not parts.hostname:
        raise ImproperlyConfigured(f"{hint}; the host is missing.")
    implicit = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if implicit else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        "EMAIL_USE_TLS": not implicit and parts.hostname not in ("localhost", "127.0.0.1", "::1"),
    }


def database_from_url(url: str) -> dict[str, Any]:
    """`postgres://user:password@host:5432/name?sslmode=require` as Django's settings."""
    hint = "Write DATABASE_URL as postgres://user:password@host:5432/name"
    parts, port = _split(url, hint)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(f"{hint}; {parts.scheme or 'no scheme'!r} is not PostgreSQL.")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured(f"{hint}; the name of the database is missing.")
    return {
        "ENGINE": "apps.core.database",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def _split(url: str, hint: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        # What Python says of it quotes a piece of the password, where that has a / or # in it
        raise ImproperlyConfigured(
            f"{hint}; the port is no number, or the password has a / ? or # in it, to be written as %2F %3F or %23."
        ) from None
