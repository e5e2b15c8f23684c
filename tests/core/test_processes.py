"""Processes write themselves down, are told apart when late or gone, and are forgotten."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client

from apps.accounts.models import User
from apps.core import clock
from apps.core.processes import heartbeat
from apps.core.processes.heartbeat import Heartbeat, host
from apps.core.processes.models import ProcessHeartbeat
from apps.core.processes.selectors import Health, health_of
from apps.core.processes.sweeps import forget_processes
from tests.faults.product import wait_until


@pytest.mark.django_db(transaction=True)
def test_a_process_writes_itself_down_and_goes_when_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.05)
    beats = heartbeat.start_heartbeat("web", detail=lambda: {"busy": 1})
    rows = ProcessHeartbeat.objects.filter(kind="web", host=host(), pid=os.getpid())
    wait_until(rows.exists, within=60, what="a first row")
    first = rows.get()
    assert first.detail == {"busy": 1}
    wait_until(lambda: rows.get().seen_at > first.seen_at, within=60, what="another beat")
    assert rows.get().started_at == first.started_at
    beats.stop()
    assert not rows.exists()


@pytest.mark.django_db(transaction=True)
def test_a_hung_process_is_not_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.05)
    well, asked = [True], []
    beats = heartbeat.start_heartbeat("web", is_well=lambda: asked.append(1) or well[0])
    rows = ProcessHeartbeat.objects.filter(kind="web")
    wait_until(rows.exists, within=60, what="a first row")
    well[0] = False
    before = len(asked)
    # A beat may have asked before, and be about to write
    wait_until(lambda: len(asked) > before + 1, within=60, what="the next questions")
    rows.update(seen_at=clock.now() - timedelta(minutes=1))
    with pytest.raises(AssertionError, match="not within"):
        wait_until(lambda: health_of(rows.get().seen_at) is Health.ALIVE, within=0.5, what="a beat")
    beats.stop()


@pytest.mark.django_db
def test_a_new_process_takes_the_place_of_dead_ones_on_its_machine() -> None:
    dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
    dead.wait()
    ProcessHeartbeat.objects.create(kind="web", host=host(), pid=dead.pid, version="1")
    elsewhere = ProcessHeartbeat.objects.create(kind="web", host="elsewhere", pid=dead.pid, version="1")
    Heartbeat("web", detail=dict, is_well=lambda: True)._beat()
    left = set(ProcessHeartbeat.objects.values_list("host", "pid"))
    assert left == {(host(), os.getpid()), ("elsewhere", elsewhere.pid)}


@pytest.mark.django_db
def test_a_database_that_is_away_does_not_end_the_beating(monkeypatch: pytest.MonkeyPatch) -> None:
    beats = Heartbeat("web", detail=dict, is_well=lambda: True)

    def fail() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(beats, "_beat", fail)
    monkeypatch.setattr(heartbeat.connection, "close", lambda: None)
    beats._try_to_beat()


@pytest.mark.parametrize(("seconds", "health"), [(1, Health.ALIVE), (20, Health.LATE), (90, Health.GONE)])
def test_health_by_the_time_since_it_was_seen(seconds: int, health: Health) -> None:
    assert health_of(clock.now() - timedelta(seconds=seconds)) is health


@pytest.mark.django_db
def test_rows_of_the_long_gone_are_forgotten() -> None:
    now = clock.now()
    ProcessHeartbeat.objects.create(kind="web", host="a", pid=1, version="1", seen_at=now - timedelta(minutes=11))
    kept = ProcessHeartbeat.objects.create(kind="web", host="a", pid=2, version="1", seen_at=now - timedelta(minutes=9))
    assert forget_processes() == 1
    # A live process that another test started may have said that it lives
    assert list(ProcessHeartbeat.objects.filter(host="a")) == [kept]


@pytest.mark.django_db
def test_an_operator_sees_processes_and_their_health_and_changes_nothing(client: Client) -> None:
    operator = User.objects.create(email="tomas@imp.example", name="Tomás", is_staff=True)
    client.force_login(operator)
    late = clock.now() - timedelta(seconds=20)
    row = ProcessHeartbeat.objects.create(kind="worker", host="alpha", pid=77, version="1", seen_at=late)
    parts = [{"name": "web", "state": "given up", "restarts": 4}]
    ProcessHeartbeat.objects.create(kind="up", host="alpha", pid=78, version="1", detail={"parts": parts})
    page = client.get("/admin/core/processheartbeat/")
    text = page.content.decode()
    assert page.status_code == 200
    for word in ("alpha", "77", "late", "alive", "web given up (4 restarts)"):
        assert word in text
    assert client.get(f"/admin/core/processheartbeat/{row.pk}/change/").status_code == 200
    for action in ("change", "delete"):
        assert client.post(f"/admin/core/processheartbeat/{row.pk}/{action}/", {"kind": "x"}).status_code == 403
    row.refresh_from_db()
    assert row.kind == "worker"


@pytest.mark.django_db
def test_somebody_who_is_no_operator_does_not_see_processes(client: Client) -> None:
    client.force_login(User.objects.create(email="ada@tidewater.example", name="Ada"))
    assert client.get("/admin/core/processheartbeat/").status_code == 403
