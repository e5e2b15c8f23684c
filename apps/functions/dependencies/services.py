from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core import clock
from apps.core.dispatch import dispatch
from apps.core.errors import Conflict
from apps.core.events import publish
from apps.core.versions import raise_stale, save_version
from apps.functions.dependencies.problems import DependenciesBusy
from apps.functions.dependencies.wanted import checked_wanted
from apps.functions.models import Dependencies
from apps.gateways.models import FunctionGateway
from apps.gateways.services.wishing import lock_gateway, require_staying
from apps.tenants.member import Member

PERMISSION = "dependencies.change"
KIND = "dependencies"
# After it, whoever was at it has ended without a word
ABANDONED_AFTER = timedelta(minutes=10)
LONGEST_ASKER = 200
UNDER_WAY = (Dependencies.State.WAITING, Dependencies.State.RESOLVING)
PROGRESS = ("state", "step", "wanted", "because", "because_of", "fault", "findings")


@transaction.atomic
def set_dependencies(
    *, actor: Member, gateway: FunctionGateway, wanted: Mapping[str, Any], version: int | None = None
) -> Dependencies:
    """Exactly these packages: name to version or range. They're fetched and tried by a worker; until all of it fits,
    and for ever if it doesn't, everything stays as it is.
    """
    from apps.functions.dependencies.tasks import resolve_dependencies

    checked = checked_wanted(wanted)
    actor, gateway, row = _lock(actor, gateway, version)
    if row.state in UNDER_WAY and not is_abandoned(row):
        raise DependenciesBusy(_("%(person)s asked for other packages a moment ago.") % {"person": row.asked_by_name})
    before = dict(row.lock.wanted) if row.lock else {}
    if checked == before and row.state == Dependencies.State.READY:
        return row
    row.state, row.step, row.wanted = Dependencies.State.WAITING, "", checked
    row.asked_by_id, row.asked_by_name = actor.pk, str(actor)[:LONGEST_ASKER]
    row.asked_at = clock.now()
    row.attempt += 1
    _forget_refusal(row)
    _save(row, *PROGRESS, "asked_by", "asked_by_name", "asked_at", "attempt")
    dispatch(resolve_dependencies, row.pk, row.attempt)
    record(actor=actor, verb="dependencies.asked", target=gateway, before=before, after=checked)
    return row


@transaction.atomic
def discard_change(*, actor: Member, gateway: FunctionGateway, version: int | None = None) -> Dependencies:
    """What was refused is forgotten, and what is under way ends without a change."""
    actor, gateway, row = _lock(actor, gateway, version)
    if row.state == Dependencies.State.READY:
        raise Conflict(_("There is no change to discard."))
    discarded = dict(row.wanted)
    row.state, row.step, row.wanted = Dependencies.State.READY, "", {}
    row.attempt += 1
    _forget_refusal(row)
    _save(row, *PROGRESS, "attempt")
    record(actor=actor, verb="dependencies.discarded", target=gateway, before=discarded)
    return row


def is_abandoned(row: Dependencies) -> bool:
    return row.asked_at is not None and clock.now() - row.asked_at > ABANDONED_AFTER


def tell_pages(row: Dependencies) -> None:
    publish(f"gateway:{row.gateway_id}", KIND, row.pk, tenant_id=row.tenant_id)


def _lock(actor: Member, gateway: FunctionGateway, version: int | None) -> tuple[Member, FunctionGateway, Dependencies]:
    actor, gateway = lock_gateway(actor, gateway, PERMISSION)
    require_staying(gateway)
    rows = Dependencies.objects.of(actor.tenant).select_for_update(of=("self",)).select_related("lock")
    row: Dependencies = rows.filter(gateway=gateway).first() or Dependencies(
        tenant_id=gateway.tenant_id, gateway=gateway
    )
    if version not in (None, row.version):
        raise_stale(row)
    return actor, gateway, row


def _save(row: Dependencies, *changed: str) -> None:
    if row._state.adding:
        row.version += 1
        row.save(force_insert=True)
    else:
        save_version(row, *changed)
    tell_pages(row)


def _forget_refusal(row: Dependencies) -> None:
    row.because, row.because_of, row.fault, row.findings = "", {}, "", []
