"""Of a cluster's agents one leads. Whoever changes that holds the cluster's lock."""

from django.utils.translation import gettext_noop

from apps.core.events import publish
from apps.core.notify import notify
from apps.fleet.models import Agent
from apps.fleet.selectors import is_silent
from apps.fleet.services.bundles import CHANNEL

SILENT = gettext_noop("Nothing was heard of it.")


def pass_on_lead(cluster_id: str) -> None:
    """To whoever has been connected for longest, if nobody leads."""
    there = Agent.objects.filter(cluster_id=cluster_id, revoked_at=None).exclude(session_id="")
    if there.filter(leads=True).exists():
        return
    heir = there.order_by("connected_at", "pk").first()
    if heir:
        Agent.objects.filter(pk=heir.pk).update(leads=True)
        notify(CHANNEL, cluster_id)
        publish("fleet", "leads", heir.pk, tenant_id="")


def close_silent(cluster_id: str, *, besides: str = "") -> int:
    """Streams of which nothing was heard: their server or their network is gone, and nobody else says so."""
    silent = Agent.objects.filter(is_silent(), cluster_id=cluster_id).exclude(session_id="")
    closed = silent.exclude(pk=besides).update(
        session_id="", leads=False, connected_at=None, disconnected_because=SILENT
    )
    if closed:
        notify(CHANNEL, cluster_id)
        publish("fleet", "lost", cluster_id, tenant_id="")
    return closed
