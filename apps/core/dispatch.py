"""Enqueue a task inside the caller's transaction: it exists if and only if the transaction commits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apps.core import context
from apps.core.ids import new_id
from apps.core.queue.broker import push
from apps.core.queue.packages import pack, readable, require_plain
from apps.core.queue.tasks import task_of


def dispatch(function: Callable[..., Any], *arguments: Any, delay: timedelta | None = None) -> str:
    """Run `function(*arguments)` in a worker, at the commit or `delay` later; returns the task's id.

    Pass ids and other plain values, never objects. What doesn't fit is refused here, where the mistake is.
    """
    task = task_of(function)
    named = task.named_arguments(arguments)
    require_plain(arguments)
    task_id = new_id("task")
    request_id = context.current().request_id
    push(
        payload=pack(task, task_id, arguments, request_id),
        task_id=task_id,
        function=task.name,
        arguments=readable(named),
        request_id=request_id,
        delay=delay,
    )
    return task_id
