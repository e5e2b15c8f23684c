"""What must hold between the limits in time of a step, its task, its lease and the queue, proved at each start."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, pairwise
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django_q.conf import Conf

from apps.core.lifecycle.machine import STEP_TIMEOUT, TASK_TIMEOUT, TURN, all_machines
from apps.core.queue.cluster import PATIENCE


@register()
def check_lifecycles(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    chains = (_check_chain(machine.name, machine.lease) for machine in all_machines())
    return [*_check_turn(), *chain.from_iterable(chains)]


def _check_turn() -> Iterator[CheckMessage]:
    """The last step that a task begins has its time too."""
    if TURN + STEP_TIMEOUT > TASK_TIMEOUT:
        yield Error(
            f"TURN ({TURN}) and STEP_TIMEOUT ({STEP_TIMEOUT}) are longer than TASK_TIMEOUT ({TASK_TIMEOUT}).",
            hint="Raise TASK_TIMEOUT; else steps are ended that would have ended by themselves.",
            id="lifecycle.E001",
        )


def _check_chain(name: str, lease: timedelta) -> Iterator[CheckMessage]:
    """A call to a cluster ends before its step does, that before its task, the task before the row's lease (and what
    doesn't react is killed before it, too), and the lease before the queue tries again."""
    limits = {
        "KUBE_TIMEOUT": settings.KUBE_TIMEOUT,
        "STEP_TIMEOUT": STEP_TIMEOUT,
        "TASK_TIMEOUT": TASK_TIMEOUT,
        "TASK_TIMEOUT and the time that ending takes": TASK_TIMEOUT + timedelta(seconds=PATIENCE),
        f"the lease of {name}": lease,
        "Q_CLUSTER['retry']": timedelta(seconds=Conf.RETRY),
    }
    for shorter, longer in pairwise(limits):
        if limits[shorter] >= limits[longer]:
            yield Error(
                f"{shorter} ({limits[shorter]}) is not shorter than {longer} ({limits[longer]}).",
                hint="Raise the second or lower the first; else two workers could be at the same row at once.",
                id="lifecycle.E002",
            )
