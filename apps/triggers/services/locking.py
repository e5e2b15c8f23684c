"""What all services of triggers share: the rows as they are now, locked, and who is told of a change."""

from collections.abc import Iterable

from apps.core.errors import NotFound
from apps.core.events import publish
from apps.core.notify import notify
from apps.core.versions import raise_stale
from apps.gateways.lifecycle.table import Phase
from apps.gateways.services.wishing import require_staying
from apps.tenants.member import Member
from apps.tenants.services.owners import renewed
from apps.triggers.models import Trigger

CHANGE = "plugins.change"
# Wakes those that fire
CHANNEL = "imp_triggers"
SHOWN = (
    "stage",
    "base_name",
    "expression",
    "zone",
    "method",
    "path",
    "query",
    "overlap",
    "missed",
    "note",
    "is_enabled",
)


def lock_trigger(
    actor: Member, trigger: Trigger, *, permission: str = CHANGE, version: int | None = None
) -> tuple[Member, Trigger]:
    """As it is until the transaction ends, which nobody fires meanwhile."""
    actor = renewed(actor)
    rows = Trigger.objects.of(actor.tenant).exclude(gateway__phase=Phase.DELETED)
    locked = rows.select_for_update(of=("self",)).select_related("gateway", "gateway__cluster", "gateway__tenant")
    row: Trigger | None = locked.filter(pk=trigger.pk).first()
    if row is None:
        raise NotFound
    actor.require(permission, row=row, stage=row.stage)
    require_staying(row.gateway)
    if version not in (None, row.version):
        raise_stale(row)
    return actor, row


def tell(trigger: Trigger) -> None:
    """Pages, and whoever waits for the next due time."""
    tell_pages(trigger)
    notify(CHANNEL)


def tell_pages(trigger: Trigger) -> None:
    publish(f"gateway:{trigger.gateway_id}", "triggers", trigger.pk, tenant_id=trigger.tenant_id)
    publish(f"tenant:{trigger.tenant_id}", "triggers", trigger.pk)


def tell_pages_of(triggers: Iterable[Trigger]) -> None:
    """Once for each gateway and workspace, however many there are: a page asks for all that it shows."""
    for trigger in {each.gateway_id: each for each in triggers}.values():
        tell_pages(trigger)
