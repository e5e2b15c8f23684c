"""Which functions are tasks, and what each may cost."""

import inspect
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any, TypeVar, overload

from django_q.conf import Conf

Function = TypeVar("Function", bound=Callable[..., Any])

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)


class UnknownTask(Exception):
    """No task of this name: it isn't decorated with @task, or it was renamed while one was waiting."""


@dataclass(frozen=True)
class Task:
    """A registered function. `name` is its import path, which is what waits in the queue."""

    name: str
    function: Callable[..., Any]
    signature: inspect.Signature
    timeout: timedelta
    attempts: int
    first_delay: timedelta
    atomic: bool

    def named_arguments(self, arguments: tuple[Any, ...]) -> Mapping[str, Any]:
        """The arguments by the names of their parameters; TypeError where they don't fit."""
        return self.signature.bind(*arguments).arguments

    def delay_after(self, attempts: int) -> timedelta:
        """Twice as long after each attempt, and never the same for two tasks that failed together."""
        doublings: int = 2 ** min(attempts - 1, 30)
        return min(self.first_delay * doublings, LONGEST_DELAY) * random.uniform(0.75, 1)  # noqa: S311


registry: dict[str, Task] = {}


@overload
def task(function: Function, /) -> Function: ...


@overload
def task(
    *,
    timeout: timedelta | None = None,
    attempts: int | None = None,
    first_delay: timedelta = FIRST_DELAY,
    atomic: bool = False,
) -> Callable[[Function], Function]: ...


def task(
    function: Function | None = None,
    /,
    *,
    timeout: timedelta | None = None,
    attempts: int | None = None,
    first_delay: timedelta = FIRST_DELAY,
    atomic: bool = False,
) -> Function | Callable[[Function], Function]:
    """Let `dispatch` run this function in a worker.

    It runs at least once: when a worker is killed in the middle of it, or it raises, it runs again until
    `attempts` are used up, so it must bear being repeated. `atomic=True` puts the function and the mark that it is
    done into one transaction: its effects in the database then happen exactly once. `timeout` ends a run;
    `first_delay` is the wait after the first failure and doubles with each one.
    """

    def register(function: Function) -> Function:
        name = f"{function.__module__}.{function.__qualname__}"
        registry[name] = Task(
            name=name,
            function=function,
            signature=inspect.signature(function),
            timeout=timeout or timedelta(seconds=Conf.TIMEOUT or 0),
            attempts=attempts or Conf.MAX_ATTEMPTS,
            first_delay=first_delay,
            atomic=atomic,
        )
        return function

    return register(function) if function else register


def task_of(function: Callable[..., Any]) -> Task:
    found = registry.get(f"{function.__module__}.{getattr(function, '__qualname__', '')}")
    if found is None or found.function is not function:
        raise UnknownTask(f"{function!r} is no task; decorate it with @task from apps.core.queue.tasks.")
    return found


def task_named(name: str) -> Task:
    """The task whose import path this is; its module is imported where nothing else has done so."""
    if name not in registry:
        try:
            import_module(name.rpartition(".")[0])
        except (ImportError, ValueError) as error:
            raise UnknownTask(f"No task {name}: {error}.") from None
    if name not in registry:
        raise UnknownTask(f"No task {name}; was it renamed or removed while one was waiting?")
    return registry[name]
