"""Rows of processes that have been gone for long."""

from datetime import timedelta

from apps.core import clock
from apps.core.processes.models import ProcessHeartbeat
from apps.core.queue.sweeper import sweep

FORGOTTEN_AFTER = timedelta(minutes=10)


@sweep(every=timedelta(minutes=1))
def forget_processes() -> int:
    """Long enough after its death for an operator to have seen it."""
    deleted, _ = ProcessHeartbeat.objects.filter(seen_at__lt=clock.now() - FORGOTTEN_AFTER).delete()
    return deleted
