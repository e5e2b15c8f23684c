"""What all services of gateways share: the locked row, and the wish that is written to it."""

from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.errors import Conflict, NotFound
from apps.core.lifecycle import timeline, wake
from apps.core.lifecycle.timeline import Kind
from apps.core.names import require_choice
from apps.core.versions import raise_stale, save_version
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import LONGEST_ACTOR, CustomDomain, FunctionGateway, RuntimeDomain, Stage
from apps.gateways.problems import BeingDeleted
from apps.gateways.sizes import StageName
from apps.tenants.member import Member
from apps.tenants.services.owners import renewed


def lock_gateway(
    actor: Member, gateway: FunctionGateway, permission: str, *, version: int | None = None, with_domain: bool = False
) -> tuple[Member, FunctionGateway]:
    """The actor with the role of this moment, and the row as it is now, which stays so until the transaction ends.

    With a version, only if it's still the one that was read.
    """
    actor = renewed(actor)
    if with_domain:
        # Children before parents, as the kernel does
        list(CustomDomain.objects.of(actor.tenant).select_for_update().filter(gateway=gateway))
        list(RuntimeDomain.objects.of(actor.tenant).select_for_update().filter(gateway=gateway))
    rows = FunctionGateway.objects.of(actor.tenant).exclude(phase=Phase.DELETED)
    row = rows.select_for_update(of=("self",)).select_related("cluster", "tenant").filter(pk=gateway.pk).first()
    if row is None:
        raise NotFound
    actor.require(permission, row=row, is_own=row.owner_id == actor.pk)
    if version not in (None, row.version):
        raise_stale(row)
    return actor, row


def lock_to_fill(
    actor: Member, gateway: FunctionGateway, permission: str, *, stage: str
) -> tuple[Member, FunctionGateway]:
    """Before something is put into it: of two that want the same name, or the last place, the second sees the first."""
    actor = renewed(actor)
    rows = FunctionGateway.objects.of(actor.tenant).exclude(phase=Phase.DELETED)
    # Without the key, so that what lies in it already can be saved meanwhile
    locked = rows.select_for_update(of=("self",), no_key=True).select_related("cluster", "tenant")
    row = locked.filter(pk=gateway.pk).first()
    if row is None:
        raise NotFound
    actor.require(permission, row=row, stage=stage)
    require_staying(row)
    return actor, row


def lock_stage(actor: Member, gateway: FunctionGateway, name: str) -> Stage:
    """Of a gateway that is locked. Stages come with its first step."""
    require_choice(name, StageName.values, field="stage")
    rows = Stage.objects.of(actor.tenant).select_for_update(of=("self",)).select_related("custom_domain")
    row: Stage | None = rows.filter(gateway=gateway, name=name).first()
    if row is None:
        raise Conflict(_("%(stage)s isn't there yet. Try again in a moment.") % {"stage": name})
    return row


def require_staying(gateway: FunctionGateway) -> None:
    if gateway.state == State.DELETED:
        raise BeingDeleted(_("%(gateway)s is being deleted.") % {"gateway": gateway})


def save_wish(gateway: FunctionGateway, *changed: str, actor: Member, because: str, **parts: object) -> FunctionGateway:
    """Write what is wanted, say so on the timeline, and wake who brings it about. `because` is for gettext."""
    if "state" in changed:
        gateway.state_at, gateway.state_by = clock.now(), str(actor)[:LONGEST_ACTOR]
        changed = (*changed, "state_at", "state_by")
    save_version(gateway, *changed)
    timeline.note(GATEWAY.name, gateway, Kind.WISHED, because=because, because_of=parts, actor=actor)
    wake(GATEWAY, gateway.pk)
    GATEWAY.changed(gateway)
    gateway.refresh_from_db()
    return gateway
