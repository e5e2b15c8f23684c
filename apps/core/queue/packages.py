"""What waits in the queue: django-q2's signed package, and what of it people may read.

A package is a signed pickle. `unpack` checks the signature before it touches the pickle, so only what this
installation has signed is ever loaded.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django_q.signing import BadSignature, SignedPackage

from apps.core.clock import now
from apps.core.crypto import MASK
from apps.core.queue.tasks import Task
from apps.core.secret_names import names_a_secret
from apps.core.texts import UNSTORABLE

LARGEST = 64 * 1024
LONGEST_SHOWN = 200


class ForgedPackage(Exception):
    """A row in the queue that this installation hasn't signed."""


@dataclass(frozen=True)
class Package:
    task_id: str
    function: str
    arguments: tuple[Any, ...]
    request_id: str


def pack(task: Task, task_id: str, arguments: tuple[Any, ...], request_id: str) -> str:
    """The keys are django-q2's own: its cluster could run this package too."""
    payload: str = SignedPackage.dumps(
        {
            "id": task_id,
            "name": task_id,
            "func": task.name,
            "args": arguments,
            "kwargs": {},
            "started": now(),
            "request_id": request_id,
        }
    )
    if len(payload) > LARGEST:
        raise TypeError(f"The arguments of {task.name} take {len(payload)} bytes; save them and pass an id.")
    return payload


def unpack(payload: str) -> Package:
    try:
        content = SignedPackage.loads(payload)
    except BadSignature:
        raise ForgedPackage("The package isn't signed with this installation's key; was SECRET_KEY changed?") from None
    return Package(
        task_id=content["id"],
        function=content["func"],
        arguments=tuple(content["args"]),
        request_id=content.get("request_id", ""),
    )


def require_plain(value: Any) -> None:
    """Only what JSON can say: such arguments mean the same to the worker of the next release."""
    if isinstance(value, str) and UNSTORABLE.search(value):
        raise TypeError(f"A task can't take the text {value!r:.80}; it has a character that can't be stored.")
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"A task can't take the number {value}; JSON has none such.")
    if value is None or isinstance(value, str | int | float | bool):
        return
    if isinstance(value, list | tuple):
        for item in value:
            require_plain(item)
    elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
        for key, item in value.items():
            require_plain(key)
            require_plain(item)
    else:
        raise TypeError(f"A task can't take {type(value).__name__} {value!r:.80}; pass an id or another plain value.")


def readable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as operators see them: secrets masked, long texts cut."""
    return {name: MASK if names_a_secret(name) else _readable_value(value) for name, value in arguments.items()}


def _readable_value(value: Any) -> Any:
    if isinstance(value, dict):
        return readable(value)
    if isinstance(value, list | tuple):
        return [_readable_value(item) for item in value]
    if isinstance(value, str) and len(value) > LONGEST_SHOWN:
        return value[:LONGEST_SHOWN] + "…"
    return value
