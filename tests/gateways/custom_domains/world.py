"""Gateways whose stages have custom domains, and what their clusters and name servers make of it."""

import json

from apps.core import clock
from apps.core.lifecycle import kernel
from apps.fleet.models import Bundle
from apps.gateways.lifecycle.custom_domains import CUSTOM_DOMAIN
from apps.gateways.lifecycle.table import Phase as GatewayPhase
from apps.gateways.lifecycle.table import State
from apps.gateways.models import CustomDomain, FunctionGateway, RuntimeDomain
from apps.gateways.services import set_domain
from apps.tenants.member import Member
from tests.gateways.contract import some_gateway
from tests.gateways.nameserver import NameServer
from tests.gateways.world import ObedientCluster, converge

HOST = "api.tidewater.example"


def up(owner: Member, cluster: ObedientCluster, name: str) -> FunctionGateway:
    gateway = some_gateway(
        owner.tenant, owner.person, name, phase=GatewayPhase.STARTED, observed_generation=1, due_at=None
    )
    RuntimeDomain.objects.filter(gateway=gateway).update(state=State.RUNNING, phase=GatewayPhase.CREATED)
    converge(cluster)
    gateway.refresh_from_db()
    return gateway


def look(domain: CustomDomain) -> CustomDomain:
    """A worker takes it, once."""
    CustomDomain.objects.filter(pk=domain.pk).update(due_at=clock.now())
    kernel.advance(CUSTOM_DOMAIN, domain.pk)
    domain.refresh_from_db()
    return domain


def want(owner: Member, gateway: FunctionGateway, host: str = HOST, stage: str = "prod") -> CustomDomain:
    set_domain(actor=owner, gateway=gateway, stage=stage, host=host)
    return CustomDomain.objects.get(gateway=gateway, stage__name=stage)


def proven(owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster) -> CustomDomain:
    domain = want(owner, gateway)
    server.prove(HOST, domain.token)
    look(domain)
    converge(cluster)
    assert domain.phase == CustomDomain.Phase.PROVEN
    return domain


def routed_hosts(gateway: FunctionGateway) -> set[str]:
    """Of which its cluster was told."""
    bundle = Bundle.objects.filter(key=f"gateway/{gateway.pk}/routes", removed_at=None).first()
    if bundle is None:
        return set()
    resources = json.loads(bundle.manifests.reveal())[0]["spec"]["resources"]
    return {each["name"] for each in resources if each["type_url"].endswith("ScopedRouteConfiguration")}


def converge_routes(cluster: ObedientCluster) -> None:
    """With a domain that waits, nothing would ever come to rest."""
    CustomDomain.objects.update(due_at=None)
    converge(cluster)
