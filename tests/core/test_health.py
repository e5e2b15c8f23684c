"""/healthz, /readyz and /metrics."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import Settings

from apps.core import clock, health
from apps.core.processes.models import ProcessHeartbeat
from tests.database.migrations import forget_newest_migration

NOBODY = "nobody.example"


@pytest.fixture(autouse=True)
def ask_for_migrations_again() -> Iterator[None]:
    health._migrated = False
    yield
    health._migrated = False


def beat(kind: str, *, ago: timedelta = timedelta(), pid: int = 1, **detail: Any) -> None:
    seen_at = clock.now() - ago
    ProcessHeartbeat.objects.create(kind=kind, host="here", pid=pid, version="1", seen_at=seen_at, detail=detail)


def all_alive() -> None:
    beat("worker")
    beat("live")
    beat("agents")
    beat("up", parts=[{"name": "web", "state": "healthy", "restarts": 2}])


def test_alive_without_database_session_or_known_host_name(client: Client) -> None:
    response = client.get("/healthz", headers={"host": NOBODY})
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_ready_when_every_part_is(client: Client) -> None:
    all_alive()
    response = client.get("/readyz", headers={"host": NOBODY})
    body = response.json()
    assert (response.status_code, body["status"], body["not_ready"]) == (200, "ready", []), body
    assert set(body["parts"]) == {"database", "migrations", "worker", "queue", "live", "agents", "processes"}
    assert all(part["ms"] >= 0 for part in body["parts"].values())


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["worker", "live", "agents"])
@pytest.mark.parametrize("seen", ["never", "too long ago"])
def test_not_ready_names_the_process_that_is_not_there(client: Client, kind: str, seen: str) -> None:
    all_alive()
    if seen == "never":
        ProcessHeartbeat.objects.filter(kind=kind).delete()
    else:
        ProcessHeartbeat.objects.filter(kind=kind).update(seen_at=clock.now() - timedelta(seconds=40))
    response = client.get("/readyz")
    assert (response.status_code, response.json()["not_ready"]) == (503, [kind])


@pytest.mark.django_db
def test_not_ready_names_a_part_that_keeps_dying(client: Client) -> None:
    all_alive()
    beat("up", pid=2, parts=[{"name": "web", "state": "given up", "restarts": 4}])
    body = client.get("/readyz").json()
    assert body["not_ready"] == ["processes"]
    assert "web" in body["parts"]["processes"]["detail"]


@pytest.mark.django_db
def test_not_ready_while_tasks_wait_too_long(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    all_alive()
    monkeypatch.setattr("apps.core.queue.selectors.get_lag", lambda: timedelta(seconds=61))
    response = client.get("/readyz")
    assert (response.status_code, response.json()["not_ready"]) == (503, ["queue"])


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    all_alive()
    forget_newest_migration(connection)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["not_ready"]) == (503, ["migrations"])


@pytest.mark.django_db
def test_a_database_that_is_away_is_named_and_nothing_else_is_asked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise DatabaseError("connection to secret-host refused")

    monkeypatch.setattr(connection, "cursor", fail)
    response = client.get("/readyz")
    parts = response.json()["parts"]
    assert response.status_code == 503
    assert parts["database"]["state"] == "not ready"
    assert {part["state"] for name, part in parts.items() if name != "database"} == {"unknown"}
    assert "secret-host" not in response.content.decode()


@pytest.mark.django_db
def test_figures_of_requests_queue_and_processes(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "collect-me"
    all_alive()
    client.get("/v1/openapi.json")
    client.get("/no/such/page/gw_01k9z3v8q4m7x2c5b1n6t0r3fd")
    text = client.get("/metrics", headers={"authorization": "Bearer collect-me"}).content.decode()
    assert 'imp_requests_total{method="GET",route="v1/openapi.json",status="200"}' in text
    assert 'imp_requests_total{method="GET",route="none",status="404"}' in text
    assert "gw_01k9z3v8q4m7x2c5b1n6t0r3fd" not in text
    assert 'imp_request_seconds_count{method="GET",route="v1/openapi.json"}' in text
    assert 'imp_tasks{state="queued"} 0.0' in text
    assert "imp_queue_lag_seconds 0.0" in text
    assert 'imp_processes{health="alive",kind="worker"} 1.0' in text
    assert 'imp_process_restarts{part="web"} 2.0' in text
    assert "imp_database_up 1.0" in text
    assert "imp_database_connections_max" in text


@pytest.mark.django_db
def test_figures_are_for_whoever_has_the_token(client: Client, settings: Settings) -> None:
    settings.DEBUG = False
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404
    settings.METRICS_TOKEN = "collect-me"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer guess"}).status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer collect-me"}).status_code == 200
    settings.METRICS_TOKEN = ""
    settings.DEBUG = True
    assert client.get("/metrics").status_code == 200
