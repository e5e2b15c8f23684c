"""What happened in the fleet lately: who connected and who was lost, what was delivered, what people did.

Nothing of it is kept for its own sake: the agents' and bundles' rows and the audit log say it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.audit.models import AuditEvent
from apps.audit.verbs import text_of
from apps.core.errors import Text
from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.naming import names_of
from apps.fleet.selectors import Presence, list_agents, presence_of
from apps.fleet.views.shown import in_seconds

RECENT = 10
LONGEST_MESSAGE = 160
# What of the audit log is about the fleet
TARGETS = ("cluster", "agent", "registrationtoken")


@dataclass(frozen=True)
class ShownEvent:
    id: str
    tone: str
    # Empty where the text names it
    cluster: str
    text: Text
    at: datetime
    note: Text = ""
    url: str = ""


def recent_events(cluster: Cluster | None = None) -> list[ShownEvent]:
    """The newest first, of one cluster or of all."""
    found = chain(_of_agents(cluster), _of_bundles(cluster), _of_people(cluster))
    return sorted(found, key=lambda event: event.at, reverse=True)[:RECENT]


def _of_agents(cluster: Cluster | None) -> Iterator[ShownEvent]:
    agents = list_agents().filter(revoked_at=None, **_only(cluster))
    for agent in agents.exclude(connected_at=None).order_by("-connected_at")[:RECENT]:
        if presence_of(agent) != Presence.LOST and agent.connected_at:
            text = _("%(agent)s connected and leads") if agent.leads else _("%(agent)s connected and stands by")
            yield _agent_event(agent, "ok", text % {"agent": agent}, agent.connected_at)
    for agent in agents.exclude(seen_at=None).order_by("-seen_at")[:RECENT]:
        if presence_of(agent) == Presence.LOST and agent.seen_at:
            text = _("%(agent)s was lost: %(because)s") % {
                "agent": agent,
                "because": _(agent.disconnected_because) if agent.disconnected_because else _("no heartbeat"),
            }
            yield _agent_event(agent, "bad", text, agent.seen_at)


def _of_bundles(cluster: Cluster | None) -> Iterator[ShownEvent]:
    rows = Bundle.objects.filter(**_only(cluster)).exclude(reported_at=None).defer("manifests")
    found = list(rows.select_related("cluster").order_by("-reported_at")[:RECENT])
    names = names_of(row.key for row in found)
    for row in found:
        if row.is_current and row.reported_at:
            tone, text, note = _said_of(row, names[row.key])
            url = reverse("fleet:bundle", args=[row.cluster_id, row.pk])
            yield ShownEvent(row.pk, tone, row.cluster.name, text, row.reported_at, note, url)


def _said_of(row: Bundle, name: str) -> tuple[str, str, str]:
    words = {"bundle": name, "message": row.message[:LONGEST_MESSAGE]}
    revision = _("revision %(revision)d") % {"revision": row.revision}
    if row.phase == Bundle.Phase.FAILED:
        return "bad", _("refused %(bundle)s: %(message)s") % words, revision
    if row.phase != Bundle.Phase.READY:
        return (
            "busy",
            _("works on %(bundle)s: %(message)s") % words if row.message else _("works on %(bundle)s") % words,
            revision,
        )
    if row.ready_ms is not None:
        after = _("%(seconds)s s after the change") % {"seconds": in_seconds(row.ready_ms)}
        revision = f"{revision}, {after}"
    return "ok", _("has %(bundle)s ready") % words, revision


def _of_people(cluster: Cluster | None) -> Iterator[ShownEvent]:
    """What the audit log says of clusters and their agents."""
    events = AuditEvent.objects.filter(target_type__in=TARGETS)
    if cluster is not None:
        agents = list_agents().filter(cluster=cluster).values("pk")
        events = events.filter(Q(target_id=cluster.pk) | Q(target_id__in=agents))
    for event in events.order_by("-at")[:RECENT]:
        text = str(text_of(event.verb)) % {"target": event.target_label}
        by = _("by %(person)s") % {"person": event.actor_label}
        yield ShownEvent(event.pk, "idle", "", text, event.at, by, reverse("audit:detail", args=[event.pk]))


def _only(cluster: Cluster | None) -> dict[str, Cluster]:
    return {} if cluster is None else {"cluster": cluster}


def _agent_event(agent: Agent, tone: str, text: str, at: datetime) -> ShownEvent:
    return ShownEvent(agent.pk, tone, agent.cluster.name, text, at)
