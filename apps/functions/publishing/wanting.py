"""The outbox: a function that is due is published by whoever comes first, the process that saved it or a sweep."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

import psycopg
import structlog
from django.db import DatabaseError, transaction
from django.db.models import F

from apps.core.clock import now
from apps.core.errors import Problem
from apps.functions.models import Function
from apps.functions.publishing.pushing import push
from apps.functions.publishing.timing import begin
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway

log = structlog.get_logger(__name__)

# The process that saved it publishes it at once; after that long it must have ended
GRACE = timedelta(seconds=1)
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=2), timedelta(minutes=1)
MOST_AT_ONCE = 500
LONGEST_ERROR = 300
# There is no database yet, or no more. What is due before there is one, the gateway's start publishes
WITHOUT_DATABASE = (Phase.CREATING, Phase.DELETING, Phase.DELETED)


def want_published(function: Function) -> None:
    """In the transaction that changes it; at its commit it's published, and should this process end there, soon."""
    want_published_all([function])


def want_published_all(functions: Sequence[Function]) -> None:
    by_gateway: dict[FunctionGateway, list[str]] = defaultdict(list)
    due_at = now() + GRACE
    for function in functions:
        _put_due(function, due_at)
        by_gateway[function.gateway].append(function.pk)
        begin(function.pk, function.version)
    Function.objects.filter(pk__in=[function.pk for function in functions]).update(
        publish_due_at=due_at, publish_attempts=0, publish_error=""
    )
    for gateway, ids in by_gateway.items():
        _push_after(gateway, ids)


def want_version(function: Function, number: int) -> tuple[str, ...]:
    """The same of one that is about to be written, as that version: the fields to be written with it."""
    _put_due(function, now() + GRACE)
    begin(function.pk, number)
    _push_after(function.gateway, [function.pk])
    return ("publish_due_at", "publish_attempts", "publish_error")


def _put_due(function: Function, due_at: datetime) -> None:
    function.publish_due_at, function.publish_attempts, function.publish_error = due_at, 0, ""


def _push_after(gateway: FunctionGateway, ids: Sequence[str]) -> None:
    """Whatever happens to it, what was saved is saved."""
    if gateway.phase not in WITHOUT_DATABASE:
        transaction.on_commit(partial(try_to_push, gateway.pk, ids), robust=True)


def try_to_push(gateway_id: str, function_ids: Collection[str]) -> bool:
    """What can't be told now stays due, and is tried again after a wait that grows."""
    try:
        push(gateway_id, function_ids)
        return True
    except (Problem, psycopg.Error, DatabaseError) as error:
        cause = error.__cause__ or error
        said = " ".join(str(cause).split())[:LONGEST_ERROR] or type(cause).__name__
        log.warning("functions not published", gateway=gateway_id, functions=len(function_ids), error=said)
        _put_off(function_ids, said)
        return False


def push_due() -> int:
    """What nobody has published in time. Returns how many functions are done."""
    due = Function.objects.filter(publish_due_at__lte=now()).exclude(gateway__phase__in=WITHOUT_DATABASE)
    by_gateway: dict[str, list[str]] = defaultdict(list)
    for pk, gateway_id in due.order_by("publish_due_at").values_list("pk", "gateway_id")[:MOST_AT_ONCE]:
        by_gateway[gateway_id].append(pk)
    return sum(len(ids) for gateway_id, ids in by_gateway.items() if try_to_push(gateway_id, ids))


def _put_off(function_ids: Collection[str], said: str) -> None:
    """Where the platform's own database is away too, they're due all the same."""
    try:
        with transaction.atomic():
            rows = Function.objects.filter(pk__in=function_ids, publish_due_at__isnull=False)
            for attempts in set(rows.values_list("publish_attempts", flat=True)):
                delay = min(FIRST_DELAY * 2 ** min(attempts, 10), LONGEST_DELAY)
                rows.filter(publish_attempts=attempts).update(publish_due_at=now() + delay, publish_error=said)
            rows.update(publish_attempts=F("publish_attempts") + 1)
    except DatabaseError:
        log.warning("nor written down")
