"""How many calls from the console a process makes at once. Each holds a thread of it for as long as it takes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from apps.functions.calling.problems import TooManyQuestions

# A web process has so many threads more
CALLS_AT_ONCE, DATA_AT_ONCE = 4, 4


class Places:
    """So many at once, and of one gateway only some: nobody's slow questions hold up everybody."""

    def __init__(self, *, all: int, of_one: int, wait: float) -> None:
        self._all, self._of_one, self._wait = all, of_one, wait
        self._taken: Counter[str] = Counter()
        self._changed = Condition()

    @contextmanager
    def taken(self, gateway_id: str) -> Iterator[None]:
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free(gateway_id), self._wait):
                raise TooManyQuestions(headers={"Retry-After": "2"})
            self._taken[gateway_id] += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken[gateway_id] -= 1
                # Drops those of whom nothing is asked any more
                self._taken += Counter()
                self._changed.notify_all()

    def _is_free(self, gateway_id: str) -> bool:
        return self._taken.total() < self._all and self._taken[gateway_id] < self._of_one


DATA_PLACES = Places(all=DATA_AT_ONCE, of_one=DATA_AT_ONCE // 2, wait=1.0)
