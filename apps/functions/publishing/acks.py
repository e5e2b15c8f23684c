"""What runtimes say of what was published: heard while somebody waits for it, and read now and then for the rest."""

import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, IntegerField, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from apps.core.events import publish
from apps.functions.models import Function
from apps.functions.publishing.live import Live, State
from apps.functions.publishing.relaxed import found_again
from apps.functions.publishing.timing import Timing, timing_of
from apps.gateways.lifecycle.rules import SERVING
from apps.gateways.store import Away, Connection, connect

# Every runtime that is there and serves the stage has to have it; one whose connection has ended is gone. One of them
# has to answer calls already: a stage may be loaded while its process still waits for another one
STANDINGS = """
WITH running AS (
    SELECT instance.id, instance.stages, instance.is_ready FROM imp.instances AS instance
    JOIN pg_stat_activity AS activity
      ON activity.pid = instance.backend_pid AND activity.backend_start = instance.backend_start
)
SELECT asked.name, count(running.id), count(ack.instance), coalesce(bool_or(running.is_ready), false),
    max(ack.load_ms), max(ack.acked_at), (array_agg(ack.error) FILTER (WHERE ack.error IS NOT NULL))[1]
FROM unnest(%(names)s::text[], %(revisions)s::bigint[]) AS asked (name, revision)
LEFT JOIN running ON split_part(asked.name, '/', 1) = ANY(running.stages)
LEFT JOIN imp.acks AS ack
  ON ack.instance = running.id AND ack.name = asked.name AND ack.revision >= asked.revision
GROUP BY asked.name
"""
# Should a notification get lost
LOOK_EVERY = 0.25
# Somebody who saves does it again, after reading and thinking: who opens a connection then would wait for it
SAVED_AGAIN_WITHIN = 600.0
MOST_AT_ONCE = 1_000


@dataclass(frozen=True)
class Standing:
    """Of one name, at one moment."""

    running: int = 0
    acked: int = 0
    is_answered: bool = False
    load_ms: float | None = None
    acked_at: datetime | None = None
    error: dict[str, Any] | None = None

    @property
    def state(self) -> State:
        if not self.running:
            return "waiting"
        if self.error:
            return "failed"
        return "live" if self.acked == self.running and self.is_answered else "publishing"

    @property
    def is_settled(self) -> bool:
        return self.state in ("live", "failed")


def standings(there: Connection, revisions: dict[str, int]) -> dict[str, Standing]:
    found = there.execute(STANDINGS, {"names": list(revisions), "revisions": list(revisions.values())}).fetchall()
    return {name: Standing(*rest) for name, *rest in found}


def wait_for_acks(gateway_id: str, name: str, revision: int, *, within: float) -> Standing:
    """Until all have answered, or nobody is there to answer, or it has taken long enough."""
    give_up_at = time.monotonic() + within
    with connect(gateway_id, stays=SAVED_AGAIN_WITHIN) as there:
        # What comes after the first look is heard
        there.execute("LISTEN acked")
        there.commit()
        try:
            while True:
                found = standings(there, {name: revision})[name]
                there.commit()
                left = give_up_at - time.monotonic()
                if found.is_settled or not found.running or left <= 0:
                    return found
                for heard in there.notifies(timeout=min(left, LOOK_EVERY)):
                    if heard.payload.partition(" ")[2] == name:
                        break
        finally:
            if not there.closed:
                there.rollback()
                there.execute("UNLISTEN acked")


def await_live(function: Function, within: float) -> Live:
    """How it stands once its runtimes have answered, or when `within` seconds have gone by."""
    timing = timing_of(function.pk, function.version)
    fresh = _as_published(function, timing.revision) if timing and timing.revision else _fresh(function)
    if fresh.publish_due_at is not None or fresh.published_version < fresh.version:
        return standing_of(fresh)
    try:
        found = wait_for_acks(fresh.gateway_id, fresh.name, fresh.published_revision, within=within)
    except Away:
        return standing_of(fresh)
    _write_down(fresh, found, timing)
    if fresh is not function:
        for name in ("live_version", "live_ms", "load_error"):
            setattr(function, name, getattr(fresh, name))
    return _live(fresh, found, timing)


def standing_of(function: Function) -> Live:
    """As the rows have it, which are read for lists too. What nobody waits for, a sweep writes there in a moment."""
    if function.gateway.phase not in SERVING:
        return Live("waiting", error=_why_not_yet(function))
    if function.publish_due_at is not None:
        return Live("publishing", error=_why_not_yet(function))
    error = function.load_error or {}
    if error.get("version") == function.version:
        return Live("failed", error=str(error.get("message", "")))
    if function.live_version >= function.version:
        return Live("live", ms=function.live_ms)
    return Live("publishing")


def _why_not_yet(function: Function) -> str:
    """What the driver said is for operators: addresses and names of databases. The log has it, and the doctor."""
    if not function.publish_error:
        return ""
    return _("The gateway's database couldn't be told of it. It's kept, and told again until it's there.")


def read_acks(gateway_id: str, functions: Sequence[Function]) -> int:
    """Writes down what has settled since; returns of how many."""
    if not functions:
        return 0
    with connect(gateway_id) as there:
        found = standings(there, {function.name: function.published_revision for function in functions})
    return sum(_write_down(function, found[function.name], None) for function in functions)


def _fresh(function: Function) -> Function:
    rows: QuerySet[Function] = Function.objects.select_related("gateway", "head").defer("head__files")
    return rows.get(pk=function.pk)


def _as_published(function: Function, revision: int) -> Function:
    """The very one that this thread has written and told a moment ago: its row would say the same."""
    function.published_version, function.published_revision = function.version, revision
    function.publish_due_at = None
    return function


def _live(function: Function, found: Standing, timing: Timing | None) -> Live:
    state: State = found.state
    if state == "waiting" and function.gateway.phase in SERVING:
        # Between two processes, or before the first
        state = "publishing"
    return Live(
        state,
        ms=function.live_ms if state == "live" else None,
        compile_ms=timing.compile_ms if timing else None,
        store_ms=timing.store_ms if timing else None,
        load_ms=found.load_ms,
        error=str((found.error or {}).get("message", "")),
    )


def _write_down(function: Function, found: Standing, timing: Timing | None) -> bool:
    """Whether there was anything new, which pages are told of."""
    if not found.is_settled:
        return False
    if found.state == "failed":
        error = found.error or {}
        changes: dict[str, Any] = {"load_error": {**error, "version": function.published_version}}
        is_new = (function.load_error or {}).get("version") != function.published_version
    else:
        changes = {"load_error": None}
        is_new = function.live_version < function.published_version or function.load_error is not None
        if function.live_version < function.published_version:
            changes |= {
                "live_version": function.published_version,
                "live_ms": timing.ms if timing else _ms_since_save(function, found),
            }
    for name, value in changes.items():
        setattr(function, name, value)
    if is_new:
        # Without it, a sweep reads the answers again
        with found_again():
            # What was published after it isn't live through this answer
            rows = Function.objects.filter(pk=function.pk, published_revision=function.published_revision)
            if rows.update(**changes):
                publish(f"gateway:{function.gateway_id}", "functions", function.pk)
    return is_new


def _ms_since_save(function: Function, found: Standing) -> float | None:
    """By the clocks of two servers, where nobody waited for it."""
    if function.head is None or found.acked_at is None or function.deleted_at:
        return None
    return max(0.0, (found.acked_at - function.head.saved_at).total_seconds() * 1000)


def read_unsettled() -> int:
    """What was published where runtimes are, and nobody has waited for."""
    rows = Function.objects.filter(publish_due_at=None, live_version__lt=F("published_version"))
    failed = Cast(KeyTextTransform("version", "load_error"), IntegerField())
    rows = rows.filter(gateway__phase__in=SERVING).annotate(failed=failed)
    rows = rows.filter(Q(failed=None) | ~Q(failed=F("version")))
    by_gateway: dict[str, list[Function]] = defaultdict(list)
    for row in rows.select_related("gateway", "head").defer("head__files").order_by("gateway_id")[:MOST_AT_ONCE]:
        by_gateway[row.gateway_id].append(row)
    read = 0
    for gateway_id, functions in by_gateway.items():
        with suppress(Away):
            read += read_acks(gateway_id, functions)
    return read
