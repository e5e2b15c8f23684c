"""A custom domain proven, routed, looked at each day, lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.lifecycle import kernel
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.mail.models import OutgoingMail
from apps.gateways import databases
from apps.gateways.lifecycle import custom_domains
from apps.gateways.lifecycle.custom_domains import CUSTOM_DOMAIN, GRACE, PATIENCE
from apps.gateways.lifecycle.table import State
from apps.gateways.models import CustomDomain, FunctionGateway, RuntimeDomain
from apps.gateways.services import check_domain, stop_gateway, switch_stage
from apps.gateways.sweeps import check_proven_domains
from apps.tenants.member import Member
from tests.gateways.custom_domains.world import HOST, converge_routes, look, proven, routed_hosts, want
from tests.gateways.nameserver import NameServer, running_name_server
from tests.gateways.world import ObedientCluster, converge
from tests.queue.cluster import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
Phase = CustomDomain.Phase


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
