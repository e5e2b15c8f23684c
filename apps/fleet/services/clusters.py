"""What operators do with clusters."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, ProtectedError
from django.utils.translation import gettext as _

from apps.audit.changes import changes, fields_of
from apps.audit.services import Actor, record
from apps.core.clock import now
from apps.core.errors import Conflict, InvalidInput
from apps.core.events import publish
from apps.core.names import require_short, tidy_name
from apps.core.notify import notify
from apps.core.versions import delete_version, save_version
from apps.fleet.models import Bundle, Cluster
from apps.fleet.services.bundles import CHANNEL
from apps.tenants.operators import require_operator

PERMISSION = "clusters.register"
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
LONGEST_LABEL, LONGEST_DOMAIN, LONGEST_TITLE, LONGEST_REASON = 63, 253, 80, 300
# What is before it in a host name: a gateway's name, a stage's, and two dots
LONGEST_DOMAIN_HERE = LONGEST_DOMAIN - 50
MOST_LABELS = 32
# Of the apps above, each of which forgets the rows of what was in a cluster and is gone
Forget = Callable[[Cluster], int]
_forgetters: list[Forget] = []
WRITTEN_DOWN = ("name", "title", "region", "provider", "labels", "domain")


def register_forgetter(forget: Forget) -> None:
    """`forget(cluster)` is called before a cluster goes, in its transaction: it removes the rows of an app of which
    nothing is left there, and says how many. Rows of what is still there keep the cluster from going."""
    if forget not in _forgetters:
        _forgetters.append(forget)


@transaction.atomic
def register_cluster(
    *,
    actor: Actor,
    name: str,
    region: str,
    domain: str,
    title: str = "",
    provider: str = "",
    labels: Mapping[str, str] | None = None,
) -> Cluster:
    """Known from now on; it's reached once an agent has registered there."""
    require_operator(actor, PERMISSION)
    cluster = Cluster(
        name=_checked_name(name),
        title=_checked_text(title, LONGEST_TITLE, "title"),
        region=_checked_region(region),
        provider=_checked_text(provider, LONGEST_LABEL, "provider"),
        labels=_checked_labels(labels or {}),
        domain=_checked_domain(domain),
    )
    if Cluster.objects.filter(name=cluster.name).exists():
        raise InvalidInput(fields={"name": [_("There is a cluster of that name.")]})
    cluster.save(force_insert=True)
    record(actor=actor, verb="cluster.created", target=cluster, after=fields_of(cluster, WRITTEN_DOWN))
    publish("fleet", "registered", cluster.pk, tenant_id="")
    return cluster


@transaction.atomic
def change_cluster(
    *,
    actor: Actor,
    cluster: Cluster,
    title: str | None = None,
    region: str | None = None,
    provider: str | None = None,
    labels: Mapping[str, str] | None = None,
    domain: str | None = None,
) -> Cluster:
    """All but its name, which people and programs know it by."""
    require_operator(actor, PERMISSION)
    wanted: dict[str, Any] = {}
    if title is not None:
        wanted["title"] = _checked_text(title, LONGEST_TITLE, "title")
    if region is not None:
        wanted["region"] = _checked_region(region)
    if provider is not None:
        wanted["provider"] = _checked_text(provider, LONGEST_LABEL, "provider")
    if labels is not None:
        wanted["labels"] = _checked_labels(labels)
    if domain is not None:
        wanted["domain"] = _checked_domain(domain)
    before, after = changes(fields_of(cluster, wanted), wanted)
    if not after:
        return cluster
    if "domain" in after and Bundle.objects.filter(cluster=cluster).exists():
        text = _("Gateways answer below this domain already. Delete or move them first.")
        raise InvalidInput(fields={"domain": [text]})
    for name, value in after.items():
        setattr(cluster, name, value)
    save_version(cluster, *after)
    record(actor=actor, verb="cluster.changed", target=cluster, before=before, after=after)
    publish("fleet", "changed", cluster.pk, tenant_id="")
    return cluster


@transaction.atomic
def begin_maintenance(*, actor: Actor, cluster: Cluster, reason: str) -> Cluster:
    """What runs there goes on; nothing new is delivered until it ends."""
    require_operator(actor, PERMISSION)
    reason = tidy_name(reason)
    if not reason:
        raise InvalidInput(fields={"reason": [_("Say why. Whoever waits for this cluster reads it.")]})
    require_short(reason, LONGEST_REASON, field="reason")
    if cluster.is_in_maintenance:
        raise Conflict(_("%(cluster)s is in maintenance already.") % {"cluster": cluster})
    cluster.maintenance_at, cluster.maintenance_because = now(), reason
    save_version(cluster, "maintenance_at", "maintenance_because")
    record(actor=actor, verb="cluster.maintenance_began", target=cluster, after={"reason": reason})
    _tell(cluster)
    return cluster


@transaction.atomic
def end_maintenance(*, actor: Actor, cluster: Cluster) -> Cluster:
    """What came to be wanted meanwhile is delivered, all of it."""
    require_operator(actor, PERMISSION)
    if not cluster.is_in_maintenance:
        raise Conflict(_("%(cluster)s isn't in maintenance.") % {"cluster": cluster})
    before = {"reason": cluster.maintenance_because, "since": cluster.maintenance_at}
    cluster.maintenance_at, cluster.maintenance_because = None, ""
    save_version(cluster, "maintenance_at", "maintenance_because")
    record(actor=actor, verb="cluster.maintenance_ended", target=cluster, before=before)
    _tell(cluster)
    return cluster


@transaction.atomic
def resync_cluster(*, actor: Actor, cluster: Cluster) -> Cluster:
    """The agent that leads is sent everything anew. It changes only what is other than it should be."""
    require_operator(actor, PERMISSION)
    Cluster.objects.filter(pk=cluster.pk).update(resyncs=F("resyncs") + 1)
    cluster.resyncs += 1
    record(actor=actor, verb="cluster.resynced", target=cluster)
    _tell(cluster)
    return cluster


@transaction.atomic
def delete_cluster(*, actor: Actor, cluster: Cluster) -> None:
    """Only when nothing is in it. Its agents are known no more; what was in it is known to the logs alone."""
    require_operator(actor, PERMISSION)
    before = fields_of(cluster, WRITTEN_DOWN)
    # Before the cluster's lock: what lies in it is locked first, as everywhere
    if forgotten := sum(forget(cluster) for forget in _forgetters):
        before["forgotten"] = forgotten
    Cluster.objects.select_for_update().filter(pk=cluster.pk).first()
    record(actor=actor, verb="cluster.deleted", target=cluster, before=before)
    full = Conflict(
        _("%(cluster)s isn't empty. Delete what is in it first, and wait until it's gone.") % {"cluster": cluster}
    )
    if Bundle.objects.filter(cluster=cluster).exists():
        raise full
    try:
        delete_version(cluster)
    except ProtectedError:
        raise full from None
    _tell(cluster)


def _tell(cluster: Cluster) -> None:
    notify(CHANNEL, cluster.pk)
    publish("fleet", "changed", cluster.pk, tenant_id="")


def _checked_name(name: str) -> str:
    name = name.strip()
    if len(name) > LONGEST_LABEL or not LABEL.fullmatch(name):
        text = _("Use lower-case letters, digits and hyphens, no hyphen at either end, 63 characters at most.")
        raise InvalidInput(fields={"name": [text]})
    return name


def _checked_region(region: str) -> str:
    region = _checked_text(region, LONGEST_LABEL, "region")
    if not region:
        raise InvalidInput(fields={"region": [_("Say where it is, such as eu-central-1.")]})
    return region


def _checked_domain(domain: str) -> str:
    domain = domain.strip().lower().rstrip(".")
    labels = domain.split(".")
    if len(domain) > LONGEST_DOMAIN_HERE or not all(
        LABEL.fullmatch(label) and len(label) <= LONGEST_LABEL for label in labels
    ):
        raise InvalidInput(fields={"domain": [_("Write a domain of yours, such as gateways.example.com.")]})
    return domain


def _checked_labels(labels: Mapping[str, str]) -> dict[str, str]:
    if len(labels) > MOST_LABELS:
        raise InvalidInput(fields={"labels": [_("Use %(limit)d labels or fewer.") % {"limit": MOST_LABELS}]})
    found = {tidy_name(str(name)): tidy_name(str(value)) for name, value in sorted(labels.items())}
    if "" in found or any(len(each) > LONGEST_LABEL for pair in found.items() for each in pair):
        raise InvalidInput(fields={"labels": [_("A label has a name, and 63 characters at most on either side.")]})
    return found


def _checked_text(text: str, longest: int, field: str) -> str:
    text = tidy_name(text)
    require_short(text, longest, field=field)
    return text
