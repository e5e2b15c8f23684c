"""The ORM from the event loop: in a few threads, each with a connection of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.db import close_old_connections

THREADS = 4
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="database")
Result = TypeVar("Result")


async def in_database(function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_pool, partial(_run, function, *arguments, **named))


def _run(function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    # A connection that the database has ended is found out here, not in the middle of the work
    close_old_connections()
    return function(*arguments, **named)
