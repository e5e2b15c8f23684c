"""What a gateway is called, how much it may use, who owns it, and which of its stages serve."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.accounts.models import User
from apps.audit.changes import changes, fields_of
from apps.audit.services import record
from apps.core.errors import InvalidInput
from apps.core.names import require_choice, require_short, tidy_name
from apps.gateways.egress import EgressMode, checked_hosts
from apps.gateways.lifecycle.machines import reroute
from apps.gateways.models import LONGEST_REASON, LONGEST_TITLE, FunctionGateway, Stage
from apps.gateways.services.wishing import lock_gateway, lock_stage, require_staying, save_wish
from apps.gateways.sizes import Layout, SizeName
from apps.tenants import roles
from apps.tenants.member import Member
from apps.tenants.models import Membership

CHANGED = gettext_noop("Changed: %(what)s.")
GIVEN_TO = gettext_noop("Given to %(owner)s.")
EGRESS_SET = gettext_noop("Outgoing calls: %(mode)s.")
SWITCHED_ON = gettext_noop("%(stage)s switched on.")
SWITCHED_OFF = gettext_noop("%(stage)s switched off: %(reason)s")
# These its processes have to come up with anew
OF_RUNTIME = frozenset({"size", "layout"})


@transaction.atomic
def change_gateway(
    *,
    actor: Member,
    gateway: FunctionGateway,
    title: str | None = None,
    size: str | None = None,
    layout: str | None = None,
    version: int | None = None,
) -> FunctionGateway:
    """Its title, its bundle, and which stages share a process. One that runs takes it on without a call that fails."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.operate", version=version)
    require_staying(gateway)
    wanted = {}
    if title is not None:
        wanted["title"] = checked_title(title)
    if size is not None:
        wanted["size"] = checked_size(size)
    if layout is not None:
        wanted["layout"] = checked_layout(layout)
    before, after = changes(fields_of(gateway, wanted), wanted)
    if not after:
        return gateway
    for name, value in after.items():
        setattr(gateway, name, value)
    changed = list(after)
    if OF_RUNTIME & set(after):
        gateway.generation += 1
        changed.append("generation")
    gateway = save_wish(gateway, *changed, actor=actor, because=CHANGED, what=", ".join(after))
    record(actor=actor, verb="gateway.changed", target=gateway, before=before, after=after)
    return gateway


@transaction.atomic
def transfer_gateway(
    *, actor: Member, gateway: FunctionGateway, owner_id: str, version: int | None = None
) -> FunctionGateway:
    """To somebody of the workspace whose role may own one."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.operate", version=version)
    require_staying(gateway)
    if owner_id == gateway.owner_id:
        return gateway
    before, owner = {"owner": gateway.owner_id}, checked_owner(actor, owner_id)
    gateway.owner = owner
    gateway = save_wish(gateway, "owner", actor=actor, because=GIVEN_TO, owner=str(owner))
    record(actor=actor, verb="gateway.transferred", target=gateway, before=before, after={"owner": owner.pk})
    return gateway


@transaction.atomic
def switch_stage(
    *,
    actor: Member,
    gateway: FunctionGateway,
    stage: str,
    state: str,
    reason: str = "",
    version: int | None = None,
) -> FunctionGateway:
    """An inactive stage answers 503 with the reason; its code stays."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.operate", version=version, with_domain=True)
    require_staying(gateway)
    reason = _checked_reason(state, reason)
    row = lock_stage(actor, gateway, stage)
    before = {"state": row.state, "reason": row.inactive_because}
    after = {"state": state, "reason": reason}
    if before == after:
        return gateway
    row.state, row.inactive_because = state, reason
    row.save(update_fields=["state", "inactive_because"])
    reroute(gateway.pk)
    said = SWITCHED_ON if state == Stage.State.ACTIVE else SWITCHED_OFF
    gateway = save_wish(gateway, actor=actor, because=said, stage=stage, reason=reason)
    record(
        actor=actor,
        verb="gateway.stage_switched",
        target=gateway,
        before={"stage": stage, **before},
        after={"stage": stage, **after},
    )
    return gateway


@transaction.atomic
def set_egress(
    *,
    actor: Member,
    gateway: FunctionGateway,
    mode: str,
    hosts: Sequence[str] | None = None,
    version: int | None = None,
) -> FunctionGateway:
    """Where its functions may connect to. Without hosts, those that are listed stay, also while they don't count."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.secrets", version=version)
    require_staying(gateway)
    require_choice(mode, EgressMode.values, field="egress_mode")
    wanted = {"egress_mode": mode, "egress_hosts": gateway.egress_hosts if hosts is None else checked_hosts(hosts)}
    if mode == EgressMode.LISTED and not wanted["egress_hosts"]:
        raise InvalidInput(fields={"egress_hosts": [_("List at least one host, or choose that they connect nowhere.")]})
    before, after = changes(fields_of(gateway, wanted), wanted)
    if not after:
        return gateway
    gateway.egress_mode, gateway.egress_hosts = mode, wanted["egress_hosts"]
    gateway.generation += 1
    words = {"mode": str(EgressMode(mode).label)}
    gateway = save_wish(gateway, *after, "generation", actor=actor, because=EGRESS_SET, **words)
    record(actor=actor, verb="gateway.egress_set", target=gateway, before=before, after=after)
    return gateway


def checked_title(title: str) -> str:
    title = tidy_name(title)
    if not title:
        raise InvalidInput(fields={"title": [_("Give it a title, which people will know it by.")]})
    require_short(title, LONGEST_TITLE, field="title")
    return title


def checked_size(size: str) -> str:
    require_choice(size, SizeName.values, field="size")
    return size


def checked_layout(layout: str) -> str:
    require_choice(layout, Layout.values, field="layout")
    return layout


def checked_owner(actor: Member, owner_id: str) -> User:
    membership: Membership | None = (
        Membership.objects.of(actor.tenant)
        .filter(person_id=owner_id, person__is_active=True)
        .select_related("person")
        .first()
    )
    if membership is None:
        raise InvalidInput(fields={"owner": [_("Choose somebody of this workspace.")]})
    able = roles.roles_that_may("gateways.operate", kind=actor.tenant.kind, is_own=True)
    if membership.role not in able:
        words = {"person": membership.person, "role": membership.role, "roles": ", ".join(able)}
        raise InvalidInput(
            fields={
                "owner": [_("%(person)s is %(role)s here. Choose somebody with one of these roles: %(roles)s.") % words]
            }
        )
    return membership.person


def _checked_reason(state: str, reason: str) -> str:
    require_choice(state, Stage.State.values, field="state")
    if state == Stage.State.ACTIVE:
        return ""
    reason = tidy_name(reason)
    if not reason:
        raise InvalidInput(fields={"reason": [_("Say why. Callers read it in the answer.")]})
    require_short(reason, LONGEST_REASON, field="reason")
    return reason
