"""What is wanted of a gateway as a whole. Wanting what is wanted already changes nothing."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.audit.services import record
from apps.core.errors import Conflict
from apps.core.lifecycle import wake
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway
from apps.gateways.services.wishing import lock_gateway, require_staying, save_wish
from apps.tenants.member import Member

WANTED_RUNNING = gettext_noop("Wanted running.")
WANTED_STOPPED = gettext_noop("Wanted stopped.")
WANTED_ANEW = gettext_noop("Wanted started anew.")
WANTED_GONE = gettext_noop("Wanted deleted.")


@transaction.atomic
def start_gateway(*, actor: Member, gateway: FunctionGateway, version: int | None = None) -> FunctionGateway:
    """One that has given up tries again."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.operate", version=version)
    require_staying(gateway)
    if gateway.state != State.STOPPED:
        if gateway.has_stopped:
            wake(GATEWAY, gateway.pk)
            record(actor=actor, verb="gateway.started", target=gateway)
            gateway.refresh_from_db()
        return gateway
    before, gateway.state = gateway.state, State.RUNNING
    gateway = save_wish(gateway, "state", actor=actor, because=WANTED_RUNNING)
    record(
        actor=actor, verb="gateway.started", target=gateway, before={"state": before}, after={"state": gateway.state}
    )
    return gateway


@transaction.atomic
def stop_gateway(*, actor: Member, gateway: FunctionGateway, version: int | None = None) -> FunctionGateway:
    """Callers aren't served any more; data, variables and names stay."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.operate", version=version)
    require_staying(gateway)
    if gateway.state == State.STOPPED:
        return gateway
    before, gateway.state = gateway.state, State.STOPPED
    gateway = save_wish(gateway, "state", actor=actor, because=WANTED_STOPPED)
    record(
        actor=actor, verb="gateway.stopped", target=gateway, before={"state": before}, after={"state": gateway.state}
    )
    return gateway


@transaction.atomic
def restart_gateway(*, actor: Member, gateway: FunctionGateway, version: int | None = None) -> FunctionGateway:
    """New processes take the place of the old ones, without a call that fails. While one is under way, that's it."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.operate", version=version)
    require_staying(gateway)
    if gateway.state == State.STOPPED:
        raise Conflict(_("%(gateway)s is stopped. Start it instead.") % {"gateway": gateway})
    if gateway.state == State.RESTARTING:
        return gateway
    before, gateway.state = {"state": gateway.state, "restarts": gateway.restarts}, State.RESTARTING
    gateway.restarts, gateway.generation = gateway.restarts + 1, gateway.generation + 1
    gateway = save_wish(gateway, "state", "restarts", "generation", actor=actor, because=WANTED_ANEW)
    after = {"state": gateway.state, "restarts": gateway.restarts}
    record(actor=actor, verb="gateway.restarted", target=gateway, before=before, after=after)
    return gateway


@transaction.atomic
def delete_gateway(*, actor: Member, gateway: FunctionGateway, version: int | None = None) -> FunctionGateway:
    """With all that is in it, for good; also one that is still being created. Whoever calls this has asked twice."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.delete", version=version)
    if gateway.state == State.DELETED:
        return gateway
    before, gateway.state = {"name": gateway.name, "title": gateway.title, "state": gateway.state}, State.DELETED
    gateway = save_wish(gateway, "state", actor=actor, because=WANTED_GONE)
    record(actor=actor, verb="gateway.deleted", target=gateway, before=before)
    return gateway
