"""A stage's custom domain: wanted, proven, routed, looked at each day, lost; and whose it can't be."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import time_machine
from django.db import connection

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import InvalidInput, NotFound, StaleVersion, TooManyRequests
from apps.core.lifecycle import kernel
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.mail.models import OutgoingMail
from apps.core.walls import walled
from apps.fleet.models import Bundle
from apps.gateways import databases
from apps.gateways.lifecycle import custom_domains
from apps.gateways.lifecycle.custom_domains import CUSTOM_DOMAIN, GRACE, PATIENCE
from apps.gateways.lifecycle.table import Phase as GatewayPhase
from apps.gateways.lifecycle.table import State
from apps.gateways.models import CustomDomain, FunctionGateway, RuntimeDomain, Stage, Variable
from apps.gateways.problems import BeingDeleted
from apps.gateways.services import (
    check_domain,
    delete_gateway,
    remove_domain,
    set_domain,
    stop_gateway,
    switch_stage,
)
from apps.gateways.sweeps import check_proven_domains
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.gateways.contract import GatewayServiceContract, add_domain, some_cluster, some_gateway
from tests.gateways.nameserver import NameServer, running_name_server
from tests.gateways.world import ObedientCluster, converge, make_cluster
from tests.queue.cluster import wait_until
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)

HOST = "api.tidewater.example"
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


@pytest.fixture
def server() -> Iterator[NameServer]:
    with running_name_server() as server:
        yield server


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


@pytest.fixture
def cluster() -> ObedientCluster:
    some_cluster()
    return ObedientCluster()


@pytest.fixture
def gateway(owner: Member, cluster: ObedientCluster) -> FunctionGateway:
    """It serves."""
    return up(owner, cluster, "labels")


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
    assert domain.phase == Phase.PROVEN
    return domain


def routed_hosts(gateway: FunctionGateway) -> set[str]:
    """Of which its cluster was told."""
    bundle = Bundle.objects.filter(key=f"gateway/{gateway.pk}/routes", removed_at=None).first()
    if bundle is None:
        return set()
    resources = json.loads(bundle.manifests.reveal())[0]["spec"]["resources"]
    return {each["name"] for each in resources if each["type_url"].endswith("ScopedRouteConfiguration")}


# --- Proof -----------------------------------------------------------------------------------------


def test_it_is_routed_once_it_is_proven_and_not_before(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    domain = look(want(owner, gateway))
    assert (domain.phase, domain.because_of) == (
        Phase.WAITING,
        {"record": f"_imp-challenge.{HOST}", "wanted": domain.token},
    )
    assert domain.checked_at is not None
    assert domain.due_at is not None
    # Nor by whatever else changes the routes
    switch_stage(actor=owner, gateway=gateway, stage="dev", state="inactive", reason="Moving house.")
    converge_routes(cluster)
    assert HOST not in routed_hosts(gateway)

    server.prove(HOST, domain.token)
    server.put(HOST, "CNAME", "labels.prod.localhost")
    look(domain)
    assert (domain.phase, domain.because, domain.leads_here) == (Phase.PROVEN, "", True)
    converge(cluster)
    assert HOST in routed_hosts(gateway)
    assert "labels.prod.localhost" in routed_hosts(gateway)
    event = AuditEvent.objects.get(verb="gateway.domain_proven")
    assert (event.actor_id, event.tenant_id, event.after) == ("", gateway.tenant_id, {"stage": "prod", "host": HOST})
    lines = LifecycleEvent.objects.filter(subject_id=gateway.pk, because=custom_domains.PROVEN)
    assert [line.because_of for line in lines] == [{"stage": "prod", "host": HOST}]


def converge_routes(cluster: ObedientCluster) -> None:
    """With a domain that waits, nothing would ever come to rest."""
    CustomDomain.objects.update(due_at=None)
    converge(cluster)


def test_another_record_proves_nothing_and_is_told(owner: Member, gateway: FunctionGateway, server: NameServer) -> None:
    domain = want(owner, gateway)
    server.prove(HOST, "google-site-verification=1", "imp-of-somebody-else")
    look(domain)
    assert domain.phase == Phase.WAITING
    assert domain.because % domain.because_of == (
        f"The TXT record at _imp-challenge.{HOST} is another one: "
        f"found 'google-site-verification=1', 'imp-of-somebody-else', wanted '{domain.token}'."
    )
    server.prove(HOST, "google-site-verification=1", domain.token)
    assert look(domain).phase == Phase.PROVEN


def test_waits_grow_begin_anew_when_asked_and_end_after_two_weeks(
    owner: Member, gateway: FunctionGateway, server: NameServer
) -> None:
    domain = want(owner, gateway)

    def wait_of(age: timedelta) -> float:
        moment = clock.now()
        CustomDomain.objects.filter(pk=domain.pk).update(checkpoint_at=moment - age, due_at=moment)
        kernel.advance(CUSTOM_DOMAIN, domain.pk)
        domain.refresh_from_db()
        assert domain.due_at is not None
        return (domain.due_at - moment).total_seconds()

    waits = [wait_of(timedelta(seconds=seconds)) for seconds in (1, 600, 6_000, 500_000)]
    assert [round(wait, -1) for wait in waits] == [10, 60, 600, 3_600]
    CustomDomain.objects.filter(pk=domain.pk).update(checkpoint_at=clock.now() - PATIENCE - timedelta(minutes=1))
    look(domain)
    assert (domain.has_stopped, domain.due_at, domain.because) == (True, None, custom_domains.GIVEN_UP)
    check_domain(actor=owner, gateway=gateway, stage="prod")
    server.prove(HOST, domain.token)
    assert look(domain).phase == Phase.PROVEN
    assert not domain.has_stopped


def test_a_name_server_that_fails_is_told_and_asked_again(
    owner: Member, gateway: FunctionGateway, server: NameServer
) -> None:
    domain = want(owner, gateway)
    server.broken.add(f"_imp-challenge.{HOST}")
    look(domain)
    assert (domain.phase, domain.because_of) == (Phase.WAITING, {"name": f"_imp-challenge.{HOST}"})
    assert domain.due_at is not None
    assert domain.checked_at is not None


def test_name_servers_that_say_nothing_keep_no_workers_from_gateways(
    owner: Member, gateway: FunctionGateway, server: NameServer
) -> None:
    """Each look at such a domain takes a worker for five seconds; whoever wants harm has many domains."""
    first, second = want(owner, gateway), want(owner, gateway, "slow.tidewater.example", "dev")
    with running_name_server() as silent, ThreadPoolExecutor() as others:
        silent.silent.update({f"_imp-challenge.{HOST}", "_imp-challenge.slow.tidewater.example"})
        asking = others.submit(_look_apart, first)
        wait_until(lambda: bool(silent.asked), within=10, what="the first to be looked at")
        began_at = time.monotonic()
        look(second)
        assert time.monotonic() - began_at < 3
        asking.result()
        assert {name for name, _kind in silent.asked} == {f"_imp-challenge.{HOST}"}
        assert second.because.startswith("Other domains are being looked at")
        assert (second.has_stopped, second.checked_at) == (False, None)
        assert second.due_at is not None
    server.prove("slow.tidewater.example", second.token)
    assert look(second).phase == Phase.PROVEN


def _look_apart(domain: CustomDomain) -> None:
    try:
        look(domain)
    finally:
        connection.close()


def test_while_the_gateway_is_stopped_a_proven_one_has_no_routes(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    stop_gateway(actor=owner, gateway=gateway)
    converge(cluster)
    domain = proven(owner, gateway, server, cluster)
    assert routed_hosts(gateway) == set()
    # What its runtimes read is put there when it starts
    databases.make_database(databases.name_of(gateway.pk), databases.new_password())
    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.RUNNING, due_at=clock.now())
    converge(cluster)
    assert HOST in routed_hosts(gateway)
    assert domain.proven_at is not None


def test_what_was_proven_while_its_worker_died_is_taken_up(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    """Between its proof and the mark of it."""
    domain = want(owner, gateway)
    server.prove(HOST, domain.token)
    CustomDomain.objects.filter(pk=domain.pk).update(fence=1, leased_until=clock.now() + timedelta(minutes=1))
    custom_domains.prove(CustomDomain.objects.get(pk=domain.pk))
    CustomDomain.objects.filter(pk=domain.pk).update(leased_until=None)
    assert look(domain).phase == Phase.PROVEN
    assert AuditEvent.objects.filter(verb="gateway.domain_proven").count() == 1


# --- Whose it is -----------------------------------------------------------------------------------


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


# --- Its proof is lost -----------------------------------------------------------------------------


def test_a_lost_record_warns_first_and_cuts_after_a_week(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    domain = proven(owner, gateway, server, cluster)
    server.forget(HOST)
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
        check_proven_domains()
        look(domain)
        assert (domain.phase, domain.because) == (Phase.LOSING, custom_domains.NO_RECORD)
        assert HOST in routed_hosts(gateway)
        (mail,) = OutgoingMail.objects.filter(template="domain_missing")
        assert (mail.to, HOST in mail.subject, domain.token in mail.text.reveal()) == (owner.person.email, True, True)
        assert f"/t/tidewater/gateways/{gateway.pk}/domains" in mail.text.reveal()
        look(domain)
        assert OutgoingMail.objects.filter(template="domain_missing").count() == 1
    with time_machine.travel(domain.missing_at + GRACE - timedelta(minutes=1)):
        assert look(domain).proven_at is not None
    with time_machine.travel(domain.missing_at + GRACE + timedelta(minutes=1)):
        look(domain)
        assert (domain.phase, domain.proven_at, domain.missing_at) == (Phase.WAITING, None, None)
        assert OutgoingMail.objects.filter(template="domain_cut").count() == 1
        converge_routes(cluster)
        assert HOST not in routed_hosts(gateway)
        server.prove(HOST, domain.token)
        assert look(domain).phase == Phase.PROVEN
    verbs = AuditEvent.objects.filter(verb__startswith="gateway.domain_", actor_id="").order_by("pk")
    assert [event.verb.rpartition("_")[2] for event in verbs] == ["proven", "missing", "cut", "proven"]


def test_a_record_that_is_back_in_time_loses_nothing(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    domain = proven(owner, gateway, server, cluster)
    generation = RuntimeDomain.objects.get(gateway=gateway).generation
    server.prove(HOST, "imp-of-somebody-else")
    CustomDomain.objects.filter(pk=domain.pk).update(check_at=None)
    assert look(domain).phase == Phase.LOSING
    assert domain.because == custom_domains.OTHER_RECORD
    server.prove(HOST, domain.token)
    look(domain)
    assert (domain.phase, domain.missing_at, domain.because, domain.due_at) == (Phase.PROVEN, None, "", None)
    assert RuntimeDomain.objects.get(gateway=gateway).generation == generation


def test_name_servers_that_fail_cost_nobody_their_domain(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    domain = proven(owner, gateway, server, cluster)
    server.broken.add(f"_imp-challenge.{HOST}")
    CustomDomain.objects.filter(pk=domain.pk).update(check_at=None)
    look(domain)
    assert (domain.phase, domain.missing_at) == (Phase.PROVEN, None)
    CustomDomain.objects.filter(pk=domain.pk).update(phase=Phase.LOSING, missing_at=clock.now() - 2 * GRACE)
    look(domain)
    assert (domain.phase, domain.proven_at is None) == (Phase.LOSING, False)


def test_only_what_is_due_is_looked_at_each_day(
    owner: Member, gateway: FunctionGateway, server: NameServer, cluster: ObedientCluster
) -> None:
    domain = proven(owner, gateway, server, cluster)
    check_proven_domains()
    domain.refresh_from_db()
    assert domain.due_at is None
    CustomDomain.objects.filter(pk=domain.pk).update(check_at=clock.now())
    check_proven_domains()
    domain.refresh_from_db()
    assert domain.due_at is not None
    asked = len(server.asked)
    look(domain)
    assert len(server.asked) > asked
    assert domain.check_at > clock.now() + timedelta(hours=23)


# --- Wishes ----------------------------------------------------------------------------------------


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


# --- Its end ---------------------------------------------------------------------------------------


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
