"""Is it alive, is it ready, and if not, which part isn't.

`HealthMiddleware` answers before anything else: a probe has no session, no known host name and no https.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from apps.core import clock
from apps.core.metrics import metrics
from apps.core.web.middleware import View

# Work waits this long only when workers are missing or far too few
LONGEST_LAG = timedelta(minutes=1)


@dataclass(frozen=True)
class PartHealth:
    """How one part is, and how long it took to find out."""

    state: str
    ms: float
    detail: str = ""


class NotReady(Exception):
    """A part isn't ready; the message says how that shows."""


class HealthMiddleware:
    def __init__(self, get_response: View) -> None:
        self.get_response = get_response
        self.views = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = self.views.get(request.path_info)
        if view is None or request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        response = view(request)
        response["Cache-Control"] = "no-store"
        # Whoever asks sees the status; a line of error for each probe would bury what matters
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response


def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers. Asks nothing else, so it stays right while the database is away."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Each part with its state; 503 while one that is needed to serve isn't there."""
    parts = check_parts()
    not_ready = [name for name, part in parts.items() if part.state != "ready"]
    body = {
        "status": "not ready" if not_ready else "ready",
        "not_ready": not_ready,
        "version": settings.VERSION,
        "parts": {name: asdict(part) for name, part in parts.items()},
    }
    return JsonResponse(body, status=503 if not_ready else 200)


def check_parts() -> dict[str, PartHealth]:
    try:
        found = {"database": _checked(_database)}
    except DatabaseError as failure:
        found = {"database": _away(failure)}
    for name, check in (
        ("migrations", _migrations),
        ("worker", _worker),
        ("queue", _queue),
        ("live", _live),
        ("agents", _agents),
        ("processes", _processes),
    ):
        if found["database"].state != "ready":
            found[name] = PartHealth("unknown", 0.0, "not asked, as the database doesn't answer")
            continue
        try:
            found[name] = _checked(check)
        except DatabaseError as failure:
            # It went away after it had answered
            found["database"] = _away(failure)
            found[name] = PartHealth("unknown", 0.0, "the database went away")
    return found


def _checked(check: Callable[[], str]) -> PartHealth:
    started = time.perf_counter()
    try:
        state, detail = "ready", check()
    except NotReady as error:
        state, detail = "not ready", str(error)
    return PartHealth(state, round((time.perf_counter() - started) * 1000, 1), detail)


def _away(failure: DatabaseError) -> PartHealth:
    connection.close()
    # The reason may name hosts and users; the doctor tells it
    return PartHealth("not ready", 0.0, f"doesn't answer ({type(failure).__name__})")


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


_migrated = False


def _migrations() -> str:
    """Asked until they are applied; the code of a running process gets no new ones."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            raise NotReady(f"{len(missing)} not applied: run `manage.py migrate`")
        _migrated = True
    return ""


def _worker() -> str:
    return _seen_lately("worker")


def _live() -> str:
    return _seen_lately("live")


def _agents() -> str:
    return _seen_lately("agents")


def _seen_lately(kind: str) -> str:
    from apps.core.processes.selectors import LATE_AFTER, last_seen

    seen_at = last_seen(kind)
    if seen_at is None:
        raise NotReady("none runs")
    age = clock.now() - seen_at
    if age > LATE_AFTER:
        raise NotReady(f"last seen {age.total_seconds():.0f} s ago")
    return f"seen {max(0.0, age.total_seconds()):.0f} s ago"


def _queue() -> str:
    from apps.core.queue.selectors import get_lag

    lag = get_lag()
    if lag > LONGEST_LAG:
        raise NotReady(f"the oldest task has been due for {lag.total_seconds():.0f} s")
    return f"lag {lag.total_seconds():.1f} s"


def _processes() -> str:
    """What a supervisor has given up, it tries again only now and then."""
    from apps.core.processes.selectors import list_parts

    given_up = sorted(part["name"] for part in list_parts() if part["state"] == "given up")
    if given_up:
        raise NotReady(f"keeps dying: {', '.join(given_up)}")
    return ""
