"""Keeps the log of events short."""

from datetime import timedelta

from apps.core.events.log import delete_old
from apps.core.queue.sweeper import sweep


@sweep(every=timedelta(minutes=5))
def forget_old_events() -> None:
    delete_old()
