"""django-q2's broker over PostgreSQL, with a wake-up at the commit and a claim that never waits for another.

Stock looks into the table several times a second and updates each row it wants one by one. Here a commit wakes
the workers by NOTIFY, and one statement takes the row that is due for longest, passes over rows that others are
just taking (SKIP LOCKED), and counts the attempt. A row's `lock` says when it may be taken: now, later for a
delayed task, or after `retry` seconds for one that a worker has claimed.
"""

import json
from datetime import timedelta
from typing import Any

from django.db import connections
from django_q.brokers.orm import ORM
from django_q.conf import Conf

from apps.core.clock import now
from apps.core.queue.packages import readable, unpack
from apps.core.queue.tasks import task_named

PUSH = """
WITH queued AS (
    INSERT INTO django_q_ormq (key, payload, lock) VALUES (%(key)s, %(payload)s, {lock}) RETURNING id
), described AS (
    INSERT INTO core_queuedtask
        (queue_id, task_id, function, arguments, request_id, attempts, error, worker, created_at)
    SELECT id, %(task_id)s, %(function)s, %(arguments)s, %(request_id)s, 0, '', '', %(now)s FROM queued
    RETURNING queue_id
)
SELECT queue_id, pg_notify(%(channel)s, '') FROM described
"""
# The database's clock decides when it's due; a caller's clock that is ahead must not delay a task for now
PUSH_NOW = PUSH.format(lock="least(clock_timestamp(), %(now)s)")
PUSH_LATER = PUSH.format(lock="%(now)s + %(delay)s")


def channel(key: str = "") -> str:
    return f"imp_queue_{key or Conf.CLUSTER_NAME}"


def push(
    *,
    payload: str,
    task_id: str,
    function: str,
    arguments: dict[str, Any],
    request_id: str,
    delay: timedelta | None = None,
    key: str = "",
) -> int:
    """One statement in the caller's transaction: queue row, readable row, and the notice for the commit."""
    parameters: dict[str, Any] = {
        "key": key or Conf.CLUSTER_NAME,
        "payload": payload,
        "task_id": task_id,
        "function": function,
        "arguments": json.dumps(arguments),
        "request_id": request_id,
        "now": now(),
        "delay": delay,
        "channel": channel(key),
    }
    with connections[Conf.ORM].cursor() as cursor:
        cursor.execute(PUSH_LATER if delay else PUSH_NOW, parameters)
        return int(cursor.fetchone()[0])


class NotifyBroker(ORM):
    """What django-q2 itself enqueues with; its packages get the same readable row and notice."""

    def enqueue(self, task: str) -> int:
        package = unpack(task)
        return push(
            payload=task,
            task_id=package.task_id,
            function=package.function,
            arguments=readable(task_named(package.function).named_arguments(package.arguments)),
            request_id=package.request_id,
            key=self.list_key,
        )
