from datetime import UTC, timedelta

import psycopg
import structlog

from apps.core.clock import now
from apps.core.queue.sweeper import sweep
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway
from apps.gateways.store import Away, connect
from apps.logs.keeping import keep
from apps.logs.models import KEEP_DAYS, KEEP_MEGABYTES

log = structlog.get_logger(__name__)


@sweep(every=timedelta(minutes=10), timeout=timedelta(minutes=9))
def keep_logs() -> None:
    """Each gateway for itself: one that can't be reached keeps no other from it."""
    rows = FunctionGateway.objects.filter(database__made_at__isnull=False).exclude(phase=Phase.DELETED)
    for pk, days, megabytes in rows.values_list("pk", "log_retention__days", "log_retention__megabytes").iterator():
        keep_log_of(pk, days=days or KEEP_DAYS, megabytes=megabytes or KEEP_MEGABYTES)


def keep_log_of(gateway_id: str, *, days: int, megabytes: int) -> None:
    try:
        with connect(gateway_id) as connection:
            kept = keep(connection, today=now().astimezone(UTC).date(), days=days, megabytes=megabytes)
    except (Away, psycopg.Error) as error:
        log.warning("a gateway's log can't be kept", gateway=gateway_id, error=str(error).strip())
        return
    if kept.cut or kept.dropped:
        dropped = [day.isoformat() for day in kept.dropped]
        log.info("dropped of a gateway's log", gateway=gateway_id, days=dropped, cut=bool(kept.cut), bytes=kept.bytes)
