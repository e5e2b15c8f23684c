"""What the measurements share: how a figure is told, percentiles, taking turns, and a database of one's own."""

import contextlib
import json
import math
import os
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")


def record(
    *,
    name: str,
    value: float,
    unit: str,
    baseline: float | None = None,
    goal: float | str | None = None,
    holds: bool | None = None,
) -> None:
    """Print one figure as a JSON line; the ratio is to what was measured beside it in the same run."""
    figure = {
        "name": name,
        "value": _rounded(value),
        "unit": unit,
        "baseline": None if baseline is None else _rounded(baseline),
        "ratio": None if not baseline else _rounded(value / baseline),
        "goal": goal,
        "holds": holds,
    }
    print(json.dumps(figure, ensure_ascii=False), flush=True)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least this share of all values doesn't exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def take_turns(sides: Mapping[str, Callable[[], object]], *, rounds: int, warm_up: int = 5) -> dict[str, list[float]]:
    """Seconds of each call; side by side, so that a slow moment of the machine hits all sides.

    Who comes first is drawn anew in each round: a strict beat can fall in with one of the machine's, which then always
    meets the same side. Every run draws the same.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    drawn = random.Random(0)
    order = list(sides.items())
    for turn in range(warm_up + rounds):
        drawn.shuffle(order)
        for name, call in order:
            began = time.perf_counter()
            call()
            if turn >= warm_up:
                seconds[name].append(time.perf_counter() - began)
    return seconds


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The lines of access are made and written as ever, but not among the figures."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def scratch_database() -> Iterator[str]:
    """A migrated database of its own, which Django uses until the end; its address."""
    from django.core.management import call_command
    from django.db import connection

    from portal.env import database_from_url

    name = f"bench_{secrets.token_hex(4)}"
    with _server() as url:
        owner = database_from_url(url)
        before = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict.update({key: owner[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})
        _execute_apart(f"CREATE DATABASE {name}")
        try:
            connection.settings_dict["NAME"] = name
            call_command("migrate", verbosity=0, interactive=False)
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.close()
            connection.settings_dict["NAME"] = owner["NAME"]
            _execute_apart(f"DROP DATABASE {name} WITH (FORCE)")
            connection.settings_dict.update(before)


@contextlib.contextmanager
def _server() -> Iterator[str]:
    """That of DATABASE_URL, or the embedded one, which goes again where it wasn't running."""
    from django.conf import settings

    if settings.DATABASE_URL:
        yield settings.DATABASE_URL
        return
    server = settings.EMBEDDED_POSTGRES
    was_running = server.is_running()
    try:
        yield server.start().url()
    finally:
        if not was_running:
            server.stop()


def _execute_apart(statement: str) -> None:
    """Databases are made and dropped outside of a transaction, and not over a connection that stays."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def _rounded(value: float) -> float:
    """Four digits that mean something."""
    return float(f"{value:.4g}") if value else 0.0
