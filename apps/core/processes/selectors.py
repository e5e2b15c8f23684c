"""Which processes there are and how each of them is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.processes.models import ProcessHeartbeat

LATE_AFTER = timedelta(seconds=15)
GONE_AFTER = timedelta(seconds=60)


class Health(TextChoices):
    ALIVE = "alive", _("alive")
    LATE = "late", _("late")
    GONE = "gone", _("gone")


@dataclass(frozen=True)
class Process:
    """A row of the table of processes with what it means now."""

    kind: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    detail: dict[str, Any]
    health: Health


def health_of(seen_at: datetime) -> Health:
    age = clock.now() - seen_at
    if age > GONE_AFTER:
        return Health.GONE
    return Health.LATE if age > LATE_AFTER else Health.ALIVE


def list_heartbeats() -> QuerySet[ProcessHeartbeat]:
    return ProcessHeartbeat.objects.order_by("kind", "host", "pid")


def list_processes(rows: Iterable[ProcessHeartbeat] | None = None) -> list[Process]:
    return [
        Process(
            kind=row.kind,
            host=row.host,
            pid=row.pid,
            version=row.version,
            started_at=row.started_at,
            seen_at=row.seen_at,
            detail=row.detail,
            health=health_of(row.seen_at),
        )
        for row in (list_heartbeats() if rows is None else rows)
    ]


def last_seen(kind: str) -> datetime | None:
    """When any process of this kind was last heard of."""
    return ProcessHeartbeat.objects.filter(kind=kind).order_by("-seen_at").values_list("seen_at", flat=True).first()


def list_parts() -> list[dict[str, Any]]:
    """What living supervisors say about their parts: name, state, restarts, how the last one ended."""
    supervisors = ProcessHeartbeat.objects.filter(kind="up", seen_at__gt=clock.now() - GONE_AFTER)
    return [part for detail in supervisors.values_list("detail", flat=True) for part in detail.get("parts", [])]
