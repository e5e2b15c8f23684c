"""Of several that claim a host name, one gets it; and it's free again with its end."""

import pytest

from apps.accounts.models import User
from apps.core.walls import walled
from apps.gateways.lifecycle import custom_domains
from apps.gateways.models import CustomDomain, FunctionGateway
from apps.gateways.problems import BeingDeleted
from apps.gateways.services import delete_gateway, remove_domain, set_domain
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.gateways.contract import add_domain, some_gateway
from tests.gateways.custom_domains.world import HOST, converge_routes, look, proven, routed_hosts, up, want
from tests.gateways.nameserver import NameServer
from tests.gateways.world import ObedientCluster, converge, make_cluster
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)
Phase = CustomDomain.Phase


def test_of_several_the_first_that_proves_it_gets_it(
    owner: Member, charlie: User, hanbit: Tenant, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    theirs = up(member(charlie, hanbit), cluster, "other-labels")
    squatter = want(member(charlie, hanbit), theirs)
    domain = want(owner, gateway)
    server.prove(HOST, domain.token)
    assert look(squatter).phase == Phase.WAITING
    assert look(domain).phase == Phase.PROVEN
    server.prove(HOST, domain.token, squatter.token)
    look(squatter)
    assert (squatter.phase, squatter.because) == (Phase.WAITING, custom_domains.IN_USE)
    assert squatter.due_at is not None
    converge_routes(cluster)
    assert HOST in routed_hosts(gateway)
    assert HOST not in routed_hosts(theirs)

    # Free again, it's the other's
    remove_domain(actor=owner, gateway=gateway, stage="prod")
    assert look(squatter).phase == Phase.PROVEN
    converge_routes(cluster)
    assert HOST not in routed_hosts(gateway)
    assert HOST in routed_hosts(theirs)


def test_in_another_cluster_it_may_be_proven_too(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    elsewhere = some_gateway(owner.tenant, owner.person)
    FunctionGateway.objects.filter(pk=elsewhere.pk).update(cluster=make_cluster("rotterdam"))
    elsewhere.refresh_from_db()
    one, other = want(owner, gateway), want(owner, elsewhere)
    server.prove(HOST, one.token, other.token)
    assert (look(one).phase, look(other).phase) == (Phase.PROVEN, Phase.PROVEN)


def test_inside_its_wall_a_workspace_sees_its_own_alone(owner: Member, hanbit: Tenant) -> None:
    add_domain(some_gateway(owner.tenant), HOST)
    other = add_domain(some_gateway(hanbit), HOST)
    with walled(owner.tenant.pk):
        assert [row.tenant_id for row in CustomDomain.objects.all()] == [owner.tenant.pk]
        assert CustomDomain.objects.filter(pk=other.pk).update(host="stolen.example") == 0


def test_it_goes_with_its_gateway_and_is_free_then(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    proven(owner, gateway, server, cluster)
    assert HOST in routed_hosts(gateway)
    want(owner, gateway, "www.tidewater.example", "dev")
    delete_gateway(actor=owner, gateway=gateway)
    with pytest.raises(BeingDeleted):
        set_domain(actor=owner, gateway=gateway, stage="staging", host="staging.tidewater.example")
    CustomDomain.objects.update(due_at=None)
    converge(cluster)
    assert not CustomDomain.objects.exists()
    assert routed_hosts(gateway) == set()
    heir = up(owner, cluster, "heir")
    assert proven(owner, heir, server, cluster).proven_at is not None
