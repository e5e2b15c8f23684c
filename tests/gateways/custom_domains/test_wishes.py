"""What people want of a stage's custom domain, and what can't be one."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import InvalidInput, NotFound, StaleVersion, TooManyRequests
from apps.gateways.models import CustomDomain, FunctionGateway, Stage, Variable
from apps.gateways.services import check_domain, remove_domain, set_domain
from apps.tenants.member import Member
from tests.gateways.contract import GatewayServiceContract, add_domain, some_gateway
from tests.gateways.custom_domains.world import HOST, converge_routes, proven, routed_hosts, want
from tests.gateways.nameserver import NameServer
from tests.gateways.world import ObedientCluster

pytestmark = pytest.mark.django_db(transaction=True)
Phase = CustomDomain.Phase


class DomainServiceContract(GatewayServiceContract):
    watched: ClassVar[Any] = (FunctionGateway, Stage, Variable, CustomDomain)


class TestSet(DomainServiceContract):
    verb = "gateway.domain_set"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return set_domain(actor=actor, gateway=row, stage="prod", host=f"{row.name}.tidewater.example")


class OfOneThatIsThere(DomainServiceContract):
    def make(self, alice: User, bob: User) -> FunctionGateway:
        gateway = super().make(alice, bob)
        add_domain(gateway, f"{gateway.name}.tidewater.example")
        return gateway


class TestRemove(OfOneThatIsThere):
    verb = "gateway.domain_removed"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return remove_domain(actor=actor, gateway=row, stage="prod")


class TestCheck(OfOneThatIsThere):
    verb = "gateway.domain_checked"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return check_domain(actor=actor, gateway=row, stage="prod")


@pytest.mark.parametrize("host", ["", "192.0.2.1", "localhost", "labels.dev.localhost", "a_b.example"])
def test_what_cannot_be_one_changes_nothing(owner: Member, host: str) -> None:
    gateway = some_gateway(owner.tenant)
    with pytest.raises(InvalidInput) as refused:
        set_domain(actor=owner, gateway=gateway, stage="prod", host=host)
    assert list(refused.value.fields) == ["host"]
    assert not CustomDomain.objects.exists()


def test_one_that_another_stage_has_is_named(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    want(owner, gateway, stage="dev")
    with pytest.raises(InvalidInput) as refused:
        set_domain(actor=owner, gateway=gateway, stage="prod", host=HOST.upper())
    assert refused.value.fields == {"host": [f"{HOST} is dev's of {gateway}. Remove it there first."]}


def test_the_same_again_changes_nothing_and_another_takes_its_place(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    domain = proven(owner, gateway, server, cluster)
    gateway.refresh_from_db()
    version = gateway.version
    assert set_domain(actor=owner, gateway=gateway, stage="prod", host=f" {HOST}.").version == version
    assert CustomDomain.objects.get().pk == domain.pk
    set_domain(actor=owner, gateway=gateway, stage="prod", host="www.tidewater.example", version=version)
    other = CustomDomain.objects.get()
    assert (other.host, other.phase, other.token != domain.token) == ("www.tidewater.example", Phase.WAITING, True)
    converge_routes(cluster)
    assert routed_hosts(gateway) == {f"labels.{stage}.localhost" for stage in ("dev", "staging", "prod")}
    event = AuditEvent.objects.filter(verb="gateway.domain_set").order_by("pk").last()
    assert event is not None
    assert event.before == {"stage": "prod", "host": HOST}


def test_a_wish_of_another_version_or_for_what_is_not_there_is_refused(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    with pytest.raises(StaleVersion):
        set_domain(actor=owner, gateway=gateway, stage="prod", host=HOST, version=7)
    for service in (remove_domain, check_domain):
        with pytest.raises(NotFound):
            service(actor=owner, gateway=gateway, stage="prod")
        with pytest.raises(InvalidInput):
            service(actor=owner, gateway=gateway, stage="qa")


def test_it_is_checked_by_hand_only_so_often(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    add_domain(gateway, HOST)
    check_domain(actor=owner, gateway=gateway, stage="prod")
    with pytest.raises(TooManyRequests) as refused:
        check_domain(actor=owner, gateway=gateway, stage="prod")
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 10
    CustomDomain.objects.update(asked_at=clock.now() - timedelta(seconds=11))
    check_domain(actor=owner, gateway=gateway, stage="prod")
