"""Gateways and their domains, as the kernel of life cycles wants them: table and steps, put together."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from apps.core.events import publish
from apps.core.lifecycle import Machine, Move, nudge, nudge_all, wake
from apps.gateways.lifecycle import domains
from apps.gateways.lifecycle.steps import next_step
from apps.gateways.lifecycle.table import LEADS_TO, Do, Phase, State, follows
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain
from apps.gateways.rendering.names import gateway_in


def decide_gateway(gateway: FunctionGateway) -> Move[FunctionGateway] | None:
    found = follows(gateway.wanted, gateway.phase, is_changed=gateway.is_changed)
    if found is Do.REST:
        return None
    if isinstance(found, Phase):
        return Move(found)
    phase = Phase(gateway.phase)
    if phase == Phase.STARTING and gateway.checkpoint and gateway.starting_generation != gateway.generation:
        # Something else is wanted since it began: its steps belong together, so it begins again
        return Move(phase)
    step = next_step(phase, gateway.checkpoint)
    if step is None:
        return Move(LEADS_TO[phase], then=_arrived(phase))
    return Move(phase, checkpoint=step.name, step=step.name, act=step.act, then=lambda row: step.then(gateway))


def _arrived(phase: Phase) -> Any:
    def then(gateway: FunctionGateway) -> Mapping[str, Any]:
        if phase != Phase.STARTING:
            return {}
        seen = {"observed_generation": gateway.starting_generation}
        # A restart is a wish that is fulfilled by having happened; a newer wish stays
        if gateway.state == State.RESTARTING and gateway.starting_generation == gateway.generation:
            return {**seen, "state": State.RUNNING}
        return seen

    return then


def gateway_changed(gateway: FunctionGateway) -> None:
    publish(f"gateway:{gateway.pk}", "moved", gateway.pk, tenant_id=gateway.tenant_id)
    publish(f"tenant:{gateway.tenant_id}", "gateways", gateway.pk)


GATEWAY = Machine("gateway", FunctionGateway, decide_gateway, gateway_changed)


def decide_domain(domain: RuntimeDomain) -> Move[RuntimeDomain] | None:
    found = follows(domain.state, domain.phase, is_changed=domain.is_changed)
    if found is Do.REST:
        return None
    if isinstance(found, Phase):
        return Move(found)
    phase = Phase(domain.phase)
    if phase not in domains.ACTS:
        return Move(LEADS_TO[phase])
    seen: dict[str, Any] = {}
    if phase == Phase.STARTING:
        seen = {"observed_generation": domain.generation}
        if domain.state == State.RESTARTING:
            seen["state"] = State.RUNNING
    return Move(LEADS_TO[phase], step="routes", act=domains.ACTS[phase], then=lambda row: seen)


def domain_changed(domain: RuntimeDomain) -> None:
    publish(f"gateway:{domain.gateway_id}", "moved", domain.gateway_id, tenant_id=domain.tenant_id)


def domain_moved(domain: RuntimeDomain) -> None:
    nudge(GATEWAY, domain.gateway_id)


DOMAIN = Machine("domain", RuntimeDomain, decide_domain, domain_changed, domain_moved)


def reroute(gateway_id: str) -> None:
    """Its routes are rendered anew, in the caller's transaction. One that is stopped has none, and gets them later."""
    domain = RuntimeDomain.objects.select_for_update().filter(gateway=gateway_id).first()
    if domain is not None:
        domain.generation += 1
        domain.save(update_fields=["generation"])
        wake(DOMAIN, domain.pk)


def hear_of_bundles(keys: Sequence[str]) -> None:
    """News from the cluster: whoever waits for it looks again. All domains before all gateways, as the kernel does."""
    parts = [gateway_in(key) for key in keys]
    routed = [gateway_id for gateway_id, part in parts if part == "routes"]
    if routed:
        nudge_all(DOMAIN, RuntimeDomain.objects.filter(gateway__in=routed).values_list("pk", flat=True))
    if others := {gateway_id for gateway_id, part in parts if part != "routes"}:
        nudge_all(GATEWAY, others)
        _compare_soon(others)


@transaction.atomic
def _compare_soon(gateway_ids: Collection[str]) -> None:
    """A process may have begun, and believes what the database says: also one that was brought back from a backup."""
    rows = GatewayDatabase.objects.filter(gateway__in=gateway_ids, compared_at__isnull=False)
    # Whoever is at one of them compares it, or will be followed by the next look
    free = rows.select_for_update(skip_locked=True, no_key=True).order_by("pk").values_list("pk", flat=True)
    GatewayDatabase.objects.filter(pk__in=list(free)).update(compared_at=None)
