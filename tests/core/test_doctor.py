"""`manage.py doctor`: what it finds, and that it works where nothing else does."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from pytest_django import Settings

from apps.core import clock
from apps.core.doctor import installation, main, services
from apps.core.doctor.findings import Check, Finding, Level, examine
from apps.core.processes.models import ProcessHeartbeat
from tests.database.migrations import forget_newest_migration

ROOT = Path(__file__).resolve().parents[2]


def found(check: Check, level: Level) -> list[str]:
    """What one check says at this level; each finding that isn't fine says what to do."""
    findings = examine([check])
    assert all(finding.do for finding in findings if finding.level in (Level.WARNING, Level.ERROR))
    return [finding.what for finding in findings if finding.level is level]


def run_doctor(*arguments: str, python: tuple[str, ...] = (sys.executable,), **environment: str) -> tuple[int, str]:
    result = subprocess.run(
        [*python, "manage.py", "doctor", *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings.dev", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in result.stdout + result.stderr
    return result.returncode, result.stdout


@pytest.fixture
def alive(db: None) -> None:
    for kind in ("web", "live", "worker", "agents"):
        ProcessHeartbeat.objects.create(kind=kind, host="here", pid=1, version="0.1.0")


def test_broken_settings_are_a_finding(tmp_path: Path) -> None:
    code, text = run_doctor("--json", DATABASE_URL="mysql://nowhere/imp", IMP_STATE_DIR=str(tmp_path))
    answer = json.loads(text)
    assert (code, answer["ok"]) == (1, False)
    (broken,) = [finding for finding in answer["findings"] if finding["check"] == "settings"]
    assert "Write DATABASE_URL as postgres://" in broken["what"]


def test_without_any_package_it_names_what_is_missing(tmp_path: Path) -> None:
    code, text = run_doctor(python=(sys.executable, "-S"), IMP_STATE_DIR=str(tmp_path))
    assert code == 1
    assert "✗ packages  not installed: Django" in text
    assert "Run `make run`" in text


def test_a_database_that_is_away_is_one_finding_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    code, text = run_doctor("--json", DATABASE_URL="postgres://imp:x@127.0.0.1:9/imp", IMP_STATE_DIR=str(tmp_path))
    findings = {finding["check"]: finding for finding in json.loads(text)["findings"]}
    assert code == 1
    assert findings["database"]["level"] == "error"
    assert "Check DATABASE_URL" in findings["database"]["do"]
    assert {"python", "packages", "programs", "disk", "keys", "ports"} <= findings.keys()
    assert "migrations" not in findings


def test_a_check_that_fails_is_a_finding_and_the_others_go_on() -> None:
    def check_broken() -> Iterator[Finding]:
        raise ZeroDivisionError("no way")
        yield

    def check_fine() -> Iterator[Finding]:
        yield Finding("fine", Level.OK, "fine")

    broken, fine = examine([check_broken, check_fine])
    assert (broken.check, broken.level) == ("broken", Level.ERROR)
    assert "ZeroDivisionError: no way" in broken.what
    assert fine.level is Level.OK


@pytest.mark.django_db
def test_a_well_database_its_clock_and_migrations() -> None:
    assert found(services.check_database, Level.OK)
    assert found(services.check_clock, Level.OK)
    assert found(services.check_migrations, Level.OK)


@pytest.mark.django_db
def test_a_clock_that_is_apart_from_the_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=30))
    (told,) = found(services.check_clock, Level.ERROR)
    assert "s apart from the database's" in told


@pytest.mark.django_db
def test_missing_migrations_are_named() -> None:
    newest = forget_newest_migration(connection)
    assert found(services.check_migrations, Level.ERROR) == [f"1 not applied: core.{newest}"]


def test_living_processes_are_well(alive: None) -> None:
    assert len(found(services.check_processes, Level.OK)) == 4


def test_a_late_a_gone_and_a_missing_process(alive: None) -> None:
    now = clock.now()
    ProcessHeartbeat.objects.filter(kind="web").update(seen_at=now - timedelta(seconds=20))
    ProcessHeartbeat.objects.filter(kind="worker").update(seen_at=now - timedelta(minutes=5))
    ProcessHeartbeat.objects.filter(kind="live").delete()
    with time_machine.travel(now, tick=False):
        (late,) = found(services.check_processes, Level.WARNING)
        ended = found(services.check_processes, Level.ERROR)
    assert late.startswith("late, last seen 20 s ago")
    assert sorted(ended) == ["gone, last seen 300 s ago", "none runs"]


@pytest.mark.django_db
def test_a_queue_that_lags(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(services.check_queue, Level.OK)
    monkeypatch.setattr(services, "get_lag", lambda: timedelta(seconds=30))
    (told,) = found(services.check_queue, Level.WARNING)
    assert told.startswith("lag 30.0 s")


def test_known_secret_key_outside_of_development(settings: Settings, tmp_path: Path) -> None:
    settings.ENCRYPTION_KEY_FILE = tmp_path / "keys"
    settings.DEBUG = False
    assert found(installation.check_keys, Level.ERROR) == ["the secret key is known or easy to guess"]
    settings.SECRET_KEY = "f8b6c2d4e0a19753-jklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP"
    assert found(installation.check_keys, Level.ERROR) == []


def test_encryption_keys_that_others_can_read(settings: Settings, tmp_path: Path) -> None:
    settings.ENCRYPTION_KEYS = ""
    settings.ENCRYPTION_KEY_FILE = tmp_path / "keys"
    assert not found(installation.check_keys, Level.ERROR)[1:]
    settings.ENCRYPTION_KEY_FILE.write_text("nonsense")
    settings.ENCRYPTION_KEY_FILE.chmod(0o644)
    told = found(installation.check_keys, Level.ERROR)
    assert any("other users can read" in each for each in told)
    assert any("IMP_ENCRYPTION_KEYS" in each for each in told)


def test_a_disk_that_is_nearly_full(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STATE_DIR = tmp_path
    for free, level in ((50_000_000, Level.ERROR), (500_000_000, Level.WARNING), (5_000_000_000, Level.OK)):
        usage = type("usage", (), {"free": free})
        monkeypatch.setattr(installation.shutil, "disk_usage", lambda path, usage=usage: usage)
        assert len(found(installation.check_disk, level)) == 1


def test_the_command_finds_what_a_run_gave_up(settings: Settings, tmp_path: Path) -> None:
    from apps.core.up.journal import Journal, PartState, Run

    settings.STATE_DIR = tmp_path
    journal = Journal(tmp_path)
    journal.acquire()
    parts = [
        PartState("web", state="healthy", pid=1, restarts=5, last_end="was ended by SIGKILL"),
        PartState("live", state="given up", last_end="ended with exit code 3"),
    ]
    run = Run(1, "http://localhost:8000", web_port=1, live_port=2, agents_port=3, gateway_port=4, parts=parts)
    journal.write(run)
    try:
        assert found(installation.check_supervisor, Level.ERROR) == ["live keeps dying: ended with exit code 3"]
        assert found(installation.check_supervisor, Level.WARNING) == [
            "web was restarted 5 times, last: was ended by SIGKILL"
        ]
    finally:
        journal.release()
    assert not found(installation.check_supervisor, Level.ERROR)


@pytest.mark.django_db
def test_the_exit_code_says_if_something_must_be_put_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for level, code in ((Level.WARNING, 0), (Level.ERROR, 1)):
        monkeypatch.setattr(main, "diagnose", lambda level=level: [Finding("disk", level, "small", "make room")])
        assert main.main([]) == code
        assert "→ make room" in capsys.readouterr().out


def test_tenants_are_walled_off(db: None) -> None:
    assert found(services.check_walls, Level.OK)


def test_a_table_of_tenants_without_a_policy_is_named(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_membership DISABLE ROW LEVEL SECURITY")
    assert found(services.check_walls, Level.ERROR) == ["no policy on tenants_membership"]


def test_a_role_that_did_not_come_along_is_missed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ROLE", "imp_left_behind")
    (missing,) = found(services.check_walls, Level.ERROR)
    assert "imp_left_behind" in missing
