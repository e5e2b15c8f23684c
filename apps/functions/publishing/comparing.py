"""All of a gateway's functions at once: before its processes start, and now and then, whatever was lost or left."""

from datetime import timedelta

import psycopg
import structlog
from django.db.models import F

from apps.core.clock import now
from apps.core.errors import Problem
from apps.functions.models import Function
from apps.functions.publishing.acks import read_acks
from apps.functions.publishing.pushing import push, take_counter
from apps.gateways.lifecycle.rules import SERVING
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.gateways.store import connect

log = structlog.get_logger(__name__)

COMPARE_EVERY = timedelta(minutes=5)
MOST_AT_ONCE = 40
# A process that was away for less than that still hears of a name that went
TOMBSTONES_STAY = timedelta(days=1)
# What was put there a moment ago may be of a draft or function that is just being told
CODE_STAYS = timedelta(minutes=10)
PRUNE = (
    "DELETE FROM imp.functions WHERE expires_at < clock_timestamp()"
    " OR (is_deleted AND published_at < clock_timestamp() - %(tombstones)s)",
    "DELETE FROM imp.artifacts AS code WHERE made_at < clock_timestamp() - %(code)s"
    " AND NOT EXISTS (SELECT FROM imp.functions WHERE artifact = code.digest)",
    "DELETE FROM imp.vendors AS code WHERE made_at < clock_timestamp() - %(code)s"
    " AND NOT EXISTS (SELECT FROM imp.functions WHERE vendor = code.digest)",
    "DELETE FROM imp.instances AS instance WHERE started_at < clock_timestamp() - %(code)s AND NOT EXISTS ("
    "SELECT FROM pg_stat_activity WHERE pid = backend_pid AND pg_stat_activity.backend_start = instance.backend_start)",
    "DELETE FROM imp.acks AS ack WHERE acked_at < clock_timestamp() - %(code)s"
    " AND (NOT EXISTS (SELECT FROM imp.instances WHERE id = ack.instance)"
    " OR NOT EXISTS (SELECT FROM imp.functions WHERE name = ack.name))",
)


def publish_all(gateway: FunctionGateway) -> None:
    """Whatever its database holds: a new one, that of before, or one that was brought back from a backup."""
    if changes := push(gateway.pk):
        log.info("functions brought up to date", gateway=gateway.pk, changes=changes)
    GatewayDatabase.objects.filter(gateway=gateway).update(compared_at=now())


def compare_some() -> None:
    """Of those that run, the ones whose processes have news, then those that were compared longest ago."""
    rows = GatewayDatabase.objects.filter(gateway__phase__in=SERVING, made_at__isnull=False)
    rows = rows.exclude(compared_at__gt=now() - COMPARE_EVERY).order_by(F("compared_at").asc(nulls_first=True))
    for row in rows.select_related("gateway")[:MOST_AT_ONCE]:
        try:
            publish_all(row.gateway)
            functions = Function.objects.filter(gateway=row.gateway, publish_due_at=None, deleted_at=None)
            read_acks(row.gateway_id, list(functions.select_related("gateway", "head").defer("head__files")))
            prune(row.gateway_id)
        except (Problem, psycopg.Error) as error:
            # The next run comes to it again; what the doctor says of lost databases is another matter
            log.warning("gateway's functions not compared", gateway=row.gateway_id, error=str(error.__cause__ or error))
            GatewayDatabase.objects.filter(pk=row.pk).update(compared_at=now())


def prune(gateway_id: str) -> None:
    """What nothing there needs any more. Under the counter's row: nobody is just about to need it."""
    with connect(gateway_id) as there:
        take_counter(there)
        for statement in PRUNE:
            there.execute(statement, {"tombstones": TOMBSTONES_STAY, "code": CODE_STAYS})
