"""Looks after all processes at once: ends those that hang, and those that take more memory than is theirs."""

import asyncio
import time
from collections.abc import Callable, Iterable

from agent.engine.instances import Instance

LOOK_EVERY, LOOK_AT_MEMORY_EVERY, CHECK_EVERY = 1.0, 0.2, 5.0
# After a check that failed, the next follows soon
FAILED_CHECKS = 3
# One that waits for the CPU for so much of the time isn't to blame, so that counts for less: another in its place would
# answer no sooner, and its start would take even more from all
STARVED, STARVED_COUNTS = 0.1, 0.1
# At the same time
MOST_CHECKS = 16


class Warden:
    def __init__(self, instances: Callable[[], Iterable[Instance]]) -> None:
        self._instances = instances
        self._failed: dict[Instance, float] = {}
        self._checked: dict[Instance, float] = {}
        # By the last check: for how long it had waited for the CPU
        self._waited: dict[Instance, float] = {}

    def look_at_memory(self) -> None:
        """Often, as a program can take more in a second than a machine has to spare."""
        for instance in list(self._instances()):
            if instance.takes_too_much():
                instance.condemn(
                    f"The process took more than its {instance.spec.memory_mb} MB of memory and was ended."
                )

    async def look(self) -> None:
        instances = list(self._instances())
        self._failed = {each: self._failed[each] for each in instances if each in self._failed}
        self._checked = {each: self._checked.get(each, time.monotonic()) for each in instances}
        self._waited = {each: self._waited.get(each, 0.0) for each in instances}
        due = [
            each for each, at in self._checked.items() if each in self._failed or time.monotonic() - at >= CHECK_EVERY
        ]
        for first in range(0, len(due), MOST_CHECKS):
            await asyncio.gather(*map(self._check, due[first : first + MOST_CHECKS]))

    async def _check(self, instance: Instance) -> None:
        is_healthy = await instance.is_healthy()
        passed = time.monotonic() - self._checked.get(instance, 0.0)
        waited = instance.waited_for_cpu()
        is_starved = waited - self._waited.get(instance, 0.0) > STARVED * passed
        self._checked[instance], self._waited[instance] = time.monotonic(), waited
        if is_healthy:
            self._failed.pop(instance, None)
            return
        self._failed[instance] = self._failed.get(instance, 0.0) + (STARVED_COUNTS if is_starved else 1)
        if self._failed[instance] >= FAILED_CHECKS:
            instance.condemn("The process didn't answer any more and was ended.")
