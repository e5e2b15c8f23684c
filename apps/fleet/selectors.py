from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, FloatField, Q, QuerySet, Value, When
from django.db.models.aggregates import Aggregate
from django.db.models.enums import TextChoices
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.fleet.models import Agent, Bundle, Cluster, RefreshToken, RegistrationToken
from apps.tenants.models import Membership
from apps.tenants.operators import is_allowed
from apps.tenants.roles import Kind

# An agent says something every ten seconds. After three that didn't come it counts as lost
SILENCE = timedelta(seconds=30)
# Delays of what was wanted longer ago say nothing about now
DELAYS_OF = timedelta(hours=24)


class Presence(TextChoices):
    """Of an agent."""

    LEADS = "leads", _("leads")
    STANDS_BY = "stands-by", _("stands by")
    LOST = "lost", _("lost")
    REVOKED = "revoked", _("revoked")


@dataclass(frozen=True)
class Delay:
    """From a change's commit to its being ready, of the changes of the last day."""

    changes: int = 0
    p95_ms: int | None = None


class Percentile(Aggregate):
    template = "percentile_cont(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def list_clusters() -> QuerySet[Cluster]:
    return Cluster.objects.all()


def list_agents() -> QuerySet[Agent]:
    return Agent.objects.select_related("cluster")


def clusters_seen_by(actor: Any) -> QuerySet[Cluster]:
    """All of them, for who runs the platform and for providers, who choose one for each of their gateways."""
    if is_allowed(actor, "platform.see"):
        return list_clusters()
    own = Membership.objects.filter(person=actor.pk, tenant__suspended_at=None, tenant__kind=Kind.PROVIDER)
    return list_clusters().filter(Exists(own))


def agents_seen_by(actor: Any) -> QuerySet[Agent]:
    """Each with its `presence`."""
    found = Agent.objects.annotate(
        presence=Case(
            When(revoked_at__isnull=False, then=Value(Presence.REVOKED.value)),
            When(~_is_there(), then=Value(Presence.LOST.value)),
            When(leads=True, then=Value(Presence.LEADS.value)),
            default=Value(Presence.STANDS_BY.value),
            output_field=CharField(),
        )
    )
    return found if is_allowed(actor, "platform.see") else found.none()


def registration_tokens_seen_by(actor: Any) -> QuerySet[RegistrationToken]:
    if not is_allowed(actor, "platform.see"):
        return RegistrationToken.objects.none()
    return RegistrationToken.objects.select_related("cluster")


def list_bundles(cluster_id: str) -> QuerySet[Bundle]:
    """What is wanted there and how far it is; what is in them stays sealed."""
    return Bundle.objects.filter(cluster_id=cluster_id).defer("manifests")


def list_registration_tokens(cluster_id: str) -> QuerySet[RegistrationToken]:
    """Those that still let somebody in."""
    return _open_registrations().filter(cluster_id=cluster_id)


def bundle_of(cluster_id: str, key: str) -> Bundle | None:
    return Bundle.objects.filter(cluster_id=cluster_id, key=key).first()


def presence_of(agent: Agent) -> Presence:
    if agent.revoked_at:
        return Presence.REVOKED
    if not agent.session_id or agent.seen_at is None or abs(now() - agent.seen_at) > SILENCE:
        return Presence.LOST
    return Presence.LEADS if agent.leads else Presence.STANDS_BY


def is_reached(cluster_id: str) -> bool:
    """Whether an agent of it is there to bring about what is wanted."""
    return Agent.objects.filter(_is_there(), cluster=cluster_id, revoked_at=None).exists()


def with_presence(agents: QuerySet[Agent], presence: str) -> QuerySet[Agent]:
    match presence:
        case Presence.REVOKED:
            return agents.exclude(revoked_at=None)
        case Presence.LOST:
            return agents.filter(revoked_at=None).exclude(_is_there())
        case _:
            return agents.filter(_is_there(), revoked_at=None, leads=presence == Presence.LEADS)


def delay_of_fleet() -> Delay:
    return _delay_of(_measured(Bundle.objects.all()).aggregate(**_FIGURES))


def delays_of(cluster_ids: Iterable[str]) -> dict[str, Delay]:
    """By cluster; one in which nothing changed lately isn't there."""
    rows = _measured(Bundle.objects.filter(cluster__in=list(cluster_ids))).order_by().values("cluster_id")
    return {row["cluster_id"]: _delay_of(row) for row in rows.annotate(**_FIGURES)}


def hashes_in_use() -> "QuerySet[Any, str]":
    """Of the tokens by which agents still come in."""
    refreshing = RefreshToken.objects.filter(expires_at__gt=now(), used_at=None, void_at=None)
    return (
        _open_registrations()
        .values_list("token_hash", flat=True)
        .union(refreshing.values_list("token_hash", flat=True), all=True)
    )


def can_listen(person: Any, ref: str) -> bool:
    """The topic `fleet` tells those who run the platform of all clusters."""
    return bool(person.is_authenticated and not ref and is_allowed(person, "platform.see"))


def _is_there() -> Q:
    """Of an agent that isn't revoked: as `presence_of` says it of one."""
    return Q(seen_at__isnull=False) & ~is_silent() & ~Q(session_id="")


def is_silent() -> Q:
    """Nothing was heard of it for a while, or what was is of a time to come: then the clock was set back since."""
    moment = now()
    return Q(seen_at__lt=moment - SILENCE) | Q(seen_at__gt=moment + SILENCE)


def _open_registrations() -> QuerySet[RegistrationToken]:
    return RegistrationToken.objects.filter(used_at=None, revoked_at=None, expires_at__gt=now())


def _measured(bundles: QuerySet[Bundle]) -> QuerySet[Bundle]:
    return bundles.filter(ready_ms__isnull=False, wanted_at__gte=now() - DELAYS_OF)


_FIGURES: dict[str, Any] = {
    "changes": Count("pk"),
    "p95": Percentile(F("ready_ms"), share=0.95),
}


def _delay_of(row: Mapping[str, Any]) -> Delay:
    if not row["changes"]:
        return Delay()
    return Delay(row["changes"], round(row["p95"]))
