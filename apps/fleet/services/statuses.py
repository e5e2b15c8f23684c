"""What agents say of bundles, written down with their owners told: many at once, as one agent may have thousands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from apps.core.clock import now
from apps.core.events import publish
from apps.fleet.models import Bundle, Cluster
from apps.fleet.services.bundles import tell_owners
from apps.fleet.services.sessions import Session, is_leading, without_waiting

log = structlog.get_logger(__name__)

# In one transaction: others wait for what it holds
AT_ONCE = 100
MESSAGES_KEPT = 2_000
LONGEST_MS = 2**31 - 1
WRITE = """
UPDATE fleet_bundle bundle
SET phase = said.phase, reported_digest = said.digest, message = said.message, statuses = said.statuses,
    ready_ms = said.ready_ms, reported_at = %s
FROM jsonb_to_recordset(%s::jsonb) AS said(id text, phase text, digest text, message text, statuses jsonb, ready_ms int)
WHERE bundle.id = said.id
"""

Phase = Bundle.Phase


@dataclass(frozen=True)
class Report:
    """What an agent says of a bundle."""

    key: str
    digest: str
    phase: str
    message: str
    statuses: list[dict[str, Any]]


def hear_of_bundles(session: Session, reports: Sequence[Report], *, received: int) -> int:
    """How many of them were news. Counts from the agent that leads, and about what is wanted now or about its going.

    `received` is the revision that the agent has taken: that a bundle is ready, or gone, counts from the one on that
    wants it so. Else it may be about an earlier wish, whose content was the same.
    """
    latest = {report.key: report for report in reports}
    if not latest or not is_leading(session):
        return 0
    rows = Bundle.objects.filter(cluster_id=session.cluster_id, key__in=list(latest)).defer("manifests")
    news = sorted(bundle.key for bundle in rows if _is_news(bundle, latest[bundle.key], received))
    parts = [news[start : start + AT_ONCE] for start in range(0, len(news), AT_ONCE)]
    return sum(_hear(session.cluster_id, [latest[key] for key in part], received) for part in parts)


def _hear(cluster_id: str, reports: Sequence[Report], received: int) -> int:
    try:
        return _write_down(cluster_id, reports, received)
    except (OperationalError, InterfaceError):
        # The stream ends by it, and the agent that comes back says everything again
        if len(reports) == 1:
            raise
    except Exception:
        if len(reports) == 1:
            log.exception("bundle's owner failed", bundle=reports[0].key, cluster=cluster_id)
            return 0
    # One owner's mistake is no reason to hear of nothing else in this cluster
    return sum(_hear(cluster_id, [report], received) for report in reports)


@transaction.atomic
def _write_down(cluster_id: str, reports: Sequence[Report], received: int) -> int:
    without_waiting()
    said = {report.key: report for report in reports}
    tell_owners(said)
    # As everybody who changes several of its bundles
    Cluster.objects.select_for_update(no_key=True).filter(pk=cluster_id).first()
    rows = Bundle.objects.select_for_update(no_key=True).defer("manifests").order_by("key")
    found = [
        (bundle, said[bundle.key])
        for bundle in rows.filter(cluster_id=cluster_id, key__in=list(said))
        if _is_news(bundle, said[bundle.key], received)
    ]
    if gone := [bundle for bundle, report in found if report.phase == Phase.PRUNED]:
        _forget(cluster_id, gone)
    if there := [(bundle, report) for bundle, report in found if report.phase != Phase.PRUNED]:
        moment = now()
        values = [_values_of(bundle, report, moment) for bundle, report in there]
        with connection.cursor() as cursor:
            cursor.execute(WRITE, [moment, orjson.dumps(values).decode()])
    if found:
        publish("fleet", "reported", cluster_id, tenant_id="")
    return len(found)


def _forget(cluster_id: str, gone: Sequence[Bundle]) -> None:
    """Agents that stand before these revisions can't be told by a delta any more."""
    newest = max(bundle.revision for bundle in gone)
    Cluster.objects.filter(pk=cluster_id).update(forgotten_revision=Greatest(F("forgotten_revision"), newest))
    Bundle.objects.filter(pk__in=[bundle.pk for bundle in gone]).delete()


def _values_of(bundle: Bundle, report: Report, moment: datetime) -> Mapping[str, Any]:
    ready_ms = bundle.ready_ms
    if report.phase == Phase.READY and ready_ms is None:
        ready_ms = min(max(0, int((moment - bundle.wanted_at).total_seconds() * 1000)), LONGEST_MS)
    return {
        "id": bundle.pk,
        "phase": report.phase,
        "digest": report.digest,
        "message": report.message[:MESSAGES_KEPT],
        "statuses": report.statuses,
        "ready_ms": ready_ms,
    }


def _is_news(bundle: Bundle, report: Report, received: int) -> bool:
    has_it = received >= bundle.revision
    if bundle.removed_at is not None:
        if not has_it or report.phase not in (Phase.PRUNED, Phase.FAILED, Phase.DELIVERING):
            return False
    elif report.digest != bundle.digest or report.phase == Phase.PRUNED:
        return False
    elif report.phase in (Phase.APPLIED, Phase.READY) and not has_it:
        # That it can't take it, it also says of what it hasn't taken
        return False
    said = (bundle.phase, bundle.reported_digest, bundle.message, bundle.statuses)
    return said != (report.phase, report.digest, report.message[:MESSAGES_KEPT], report.statuses)
