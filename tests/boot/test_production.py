"""Production refuses to start half configured, and says everything that is missing at once."""

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping

import pytest

from portal.checks import production_findings
from tests.boot.clone import ROOT

FULL = {
    "SECRET_KEY": secrets.token_urlsafe(60),
    "ALLOWED_HOSTS": "console.tidewater.example",
    "DATABASE_URL": "postgres://imp:secret@database.tidewater.example:5432/imp",
    "IMP_ENCRYPTION_KEYS": f"2027-01:{base64.b64encode(secrets.token_bytes(32)).decode()}",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "EMAIL_URL": "smtp://mailer:secret@mx.tidewater.example:587",
    "EMAIL_FROM": "Tidewater <no-reply@tidewater.example>",
}


def manage(*arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    ours = {name: os.environ[name] for name in ("PATH", "HOME", "IMP_STATE_DIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**ours, "DJANGO_SETTINGS_MODULE": "portal.settings.prod", **environment},
    )  # fmt: skip


def test_a_full_environment_passes_every_check_for_deployment() -> None:
    done = manage("manage.py", "check", "--deploy", "--fail-level", "WARNING", environment=FULL)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_nothing_set_names_everything_that_is_missing_at_once() -> None:
    done = manage("manage.py", "check", environment={})

    assert done.returncode != 0
    for name in ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "IMP_ENCRYPTION_KEYS"):
        assert f"- {name} is missing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["portal.wsgi", "portal.asgi"])
def test_the_servers_do_not_start_half_configured_either(module: str) -> None:
    done = manage("-c", f"import {module}", environment={**FULL, "ALLOWED_HOSTS": "*"})

    assert done.returncode != 0
    assert "ALLOWED_HOSTS allows every host" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "finding"),
    [
        ("SECRET_KEY", "not-secret-and-refused-in-production" + "x" * 50, "one that everybody knows"),
        ("SECRET_KEY", "django-insecure-" + "0123456789abcdef" * 4, "one that everybody knows"),
        ("SECRET_KEY", "too-short-but-various-0123456789", "shorter than 50 characters or too regular"),
        ("SECRET_KEY", "ab" * 40, "shorter than 50 characters or too regular"),
        ("ALLOWED_HOSTS", " , ", "is missing"),
        ("ALLOWED_HOSTS", "a.example, *", "allows every host"),
        ("DATABASE_URL", "mysql://a:b@c/d", "is not PostgreSQL"),
        ("DATABASE_URL", "postgres://a:b@c:port/d", "Write DATABASE_URL as"),
        ("IMP_ENCRYPTION_KEYS", "no colon", "has no usable id before a colon"),
        ("EMAIL_URL", "sendmail://localhost", "is no way to send mail"),
        ("EMAIL_URL", "smtp://a:b@c:port", "Write EMAIL_URL as"),
        ("EMAIL_URL", "smtp://", "the host is missing"),
        ("EMAIL_FROM", "", "is missing"),
        ("DEBUG", "true", "DEBUG is on"),
        ("DEBUG", "1", "DEBUG is on"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str, finding: str) -> None:
    [found] = production_findings({**FULL, name: value})

    assert name in found
    assert finding in found


def test_no_finding_shows_a_secret() -> None:
    weak = {
        "SECRET_KEY": "weak-but-mine",
        "IMP_ENCRYPTION_KEYS": "id:bm90IGEga2V5",
        "DATABASE_URL": "x://a:pass@b/c",
        "EMAIL_URL": "x://a:pass@b",
    }

    found = "\n".join(production_findings(weak))

    for secret in ("weak-but-mine", "bm90IGEga2V5", "pass@"):
        assert secret not in found


def test_a_full_environment_has_no_findings() -> None:
    assert production_findings(FULL) == []
    assert production_findings({**FULL, "DEBUG": "false"}) == []


def test_a_redirect_to_https_without_a_trusted_proxy_is_warned_of() -> None:
    done = manage("manage.py", "check", "--deploy", environment={**FULL, "TRUSTED_PROXIES": ""})

    assert "portal.W001" in done.stderr


def test_links_in_mails_need_an_address_where_the_first_host_is_none() -> None:
    hosts = {**FULL, "ALLOWED_HOSTS": ".tidewater.example"}
    [found] = production_findings(hosts)
    assert "PUBLIC_URL is missing" in found
    assert production_findings({**hosts, "PUBLIC_URL": "https://console.tidewater.example"}) == []


def test_without_a_mail_server_it_starts_and_warns() -> None:
    environment = {**FULL, "EMAIL_URL": "", "EMAIL_FROM": ""}
    assert production_findings(environment) == []
    assert "portal.W002" in manage("manage.py", "check", "--deploy", environment=environment).stderr


def test_what_browsers_are_told() -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE", "SECURE_SSL_REDIRECT")
    script = (
        "import portal.settings.prod as p; "
        f"assert all(getattr(p, name) is True for name in {names!r}); "
        "assert p.SECURE_HSTS_SECONDS >= 31536000; assert p.DEBUG is False; assert p.ENCRYPTION_KEY_FILE is None"
    )
    done = manage("-c", script, environment=FULL)

    assert done.returncode == 0, done.stderr
