"""Figures for Prometheus: counted here as things happen, or asked of the database when somebody collects them."""

import secrets
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

registry = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=registry)
GCCollector(registry=registry)

REQUESTS = Counter("imp_requests", "Answered requests", ["route", "method", "status"], registry=registry)
LATENCY = Histogram(
    "imp_request_seconds",
    "Time to the answer",
    ["route", "method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=registry,
)


class DatabaseCollector(Collector):
    """What is the same for the whole installation. One that can't be asked is left out, and `imp_database_up` is 0."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        found: list[Metric] = []
        try:
            for collect in (queue, processes, connections):
                found += collect()
        except DatabaseError:
            connection.close()
            found = []
        yield GaugeMetricFamily("imp_database_up", "Whether the database answers", value=bool(found))
        yield from found


def queue() -> list[Metric]:
    from apps.core.queue.selectors import get_counts, get_lag

    counts = get_counts()
    tasks = GaugeMetricFamily("imp_tasks", "Tasks by their state", labels=["state"])
    for state in ("queued", "running", "delayed", "failed"):
        tasks.add_metric([state], getattr(counts, state))
    lag = GaugeMetricFamily("imp_queue_lag_seconds", "How long the oldest due task waits", get_lag().total_seconds())
    return [tasks, lag]


def processes() -> list[Metric]:
    from apps.core.processes.selectors import Health, list_parts, list_processes

    alive = GaugeMetricFamily("imp_processes", "Processes by kind and health", labels=["kind", "health"])
    seen = [(process.kind, process.health) for process in list_processes()]
    for kind, health in sorted({(kind, health) for kind, _ in seen for health in Health}):
        alive.add_metric([kind, health], seen.count((kind, health)))
    restarts = GaugeMetricFamily("imp_process_restarts", "Restarts since the supervisor started", labels=["part"])
    for part in list_parts():
        restarts.add_metric([part["name"]], part["restarts"])
    return [alive, restarts]


def connections() -> list[Metric]:
    used = GaugeMetricFamily("imp_database_connections", "Connections to the database by state", labels=["state"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(state, 'none'), count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() GROUP BY 1"
        )
        for state, number in cursor.fetchall():
            used.add_metric([state], number)
        cursor.execute("SHOW max_connections")
        (most,) = cursor.fetchone()
    return [used, GaugeMetricFamily("imp_database_connections_max", "Connections the server takes", float(most))]


registry.register(DatabaseCollector())


def metrics(request: HttpRequest) -> HttpResponse:
    return _answer(request, lambda: generate_latest(registry))


def _answer(request: HttpRequest, make: Callable[[], bytes]) -> HttpResponse:
    """Open while developing; elsewhere whoever has the token, and for everybody else there's nothing here."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    allowed = secrets.compare_digest(given.encode(), token.encode()) if token else settings.DEBUG
    if not allowed:
        return HttpResponse(status=404)
    return HttpResponse(make(), content_type=CONTENT_TYPE_LATEST)


async def live_metrics(request: HttpRequest) -> HttpResponse:
    """The live process: who listens, and what it uses itself."""
    from apps.core.events.hub import hub

    own = CollectorRegistry()
    ProcessCollector(registry=own)
    Gauge("imp_live_clients", "Open streams", registry=own).set(hub.size)
    Gauge("imp_live_listening", "Whether it hears the database's notices", registry=own).set(hub.is_listening)
    Counter("imp_live_messages", "Messages put to streams", registry=own).inc(hub.told)
    return _answer(request, lambda: generate_latest(own))
