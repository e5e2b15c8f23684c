"""What must hold between the limits in time, proved at each start."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django_q.conf import Conf

from apps.core.queue.broker import NotifyBroker
from apps.core.queue.cluster import PATIENCE, STOP_WITHIN
from apps.core.queue.tasks import registry

BROKER = f"{NotifyBroker.__module__}.{NotifyBroker.__qualname__}"


@register()
def check_queue(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    return [*_check_settings(), *_check_chain(), *_check_tasks()]


def _check_settings() -> Iterator[CheckMessage]:
    if Conf.BROKER_CLASS != BROKER:
        yield Error(
            f"Q_CLUSTER['broker_class'] is {Conf.BROKER_CLASS!r}.", hint=f"Set it to {BROKER!r}.", id="queue.E001"
        )
    if Conf.SAVE_LIMIT != -1:
        yield Error(
            f"Q_CLUSTER['save_limit'] is {Conf.SAVE_LIMIT}.",
            hint="Set it to -1: a row for each success is what slows the queue down.",
            id="queue.E002",
        )
    if Conf.SCHEDULER:
        yield Error(
            "Q_CLUSTER['scheduler'] is on.",
            hint="Set it to False and use @sweep: django-q2's scheduler looks every 30 s only.",
            id="queue.E003",
        )
    if not Conf.TIMEOUT or not Conf.MAX_ATTEMPTS:
        yield Error(
            "Q_CLUSTER has no timeout or no max_attempts.", hint="Set both: no task may run for ever.", id="queue.E004"
        )


def _check_chain() -> Iterator[CheckMessage]:
    """A call to a cluster ends before its task does, the task before its lease, the lease before the queue retries.

    django-q2's own rule for `retry` counts the tasks that its cluster holds in memory; our workers take a task only
    to run it, so none is held.
    """
    chain = {
        "KUBE_TIMEOUT": settings.KUBE_TIMEOUT,
        "Q_CLUSTER['timeout']": timedelta(seconds=Conf.TIMEOUT or 0),
        "LEASE": settings.LEASE,
        "Q_CLUSTER['retry']": timedelta(seconds=Conf.RETRY),
    }
    for shorter, longer in pairwise(chain):
        if chain[shorter] >= chain[longer]:
            yield Error(
                f"{shorter} ({chain[shorter]}) is not shorter than {longer} ({chain[longer]}).",
                hint="Raise the second or lower the first; else two workers could do the same at once.",
                id="queue.E005",
            )


def _check_tasks() -> Iterator[CheckMessage]:
    longest = timedelta(seconds=Conf.RETRY - STOP_WITHIN - PATIENCE)
    for task in registry.values():
        if task.timeout >= longest:
            yield Error(
                f"The timeout of {task.name} ({task.timeout}) is not shorter than Q_CLUSTER['retry'] less the time"
                f" that ending takes ({longest}).",
                hint="Split the task into steps, or raise retry.",
                id="queue.E007",
            )
        if "<locals>" in task.name or "<lambda>" in task.name:
            yield Error(
                f"A worker can't import {task.name}.", hint="Define tasks at the top of a module.", id="queue.E008"
            )
