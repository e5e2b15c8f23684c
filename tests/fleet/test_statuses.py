"""What agents say of many bundles at once: heard in few statements, and by nobody who waits in a circle."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from apps.core.clock import now
from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.services import bundles
from apps.fleet.services.bundles import put_bundle, remove_bundle
from apps.fleet.services.sessions import Session
from apps.fleet.services.statuses import AT_ONCE, Report, hear_of_bundles
from apps.gateways.models import FunctionGateway, RuntimeDomain
from apps.gateways.rendering.names import bundle_key
from tests.fleet.world import make_agent
from tests.gateways.world import make_gateway

pytestmark = pytest.mark.django_db(transaction=True)

EVERYTHING = 2**62


@pytest.fixture
def session(cluster: Cluster) -> Session:
    agent = make_agent(cluster, leads=True)
    return Session(agent.session_id, agent.pk, cluster.pk, leads=True, resyncs=0)


def want(cluster: Cluster, key: str, **spec: Any) -> Bundle:
    return put_bundle(cluster_id=cluster.pk, key=key, manifests=[{"kind": "Namespace", "name": key, "spec": spec}])


def report(bundle: Bundle, phase: str = Bundle.Phase.READY, message: str = "") -> Report:
    return Report(bundle.key, bundle.digest, phase, message, [])


def living(tenant: Any, cluster: Cluster, count: int) -> list[Bundle]:
    """Gateways that wait for their cluster, and of which a worker was just told."""
    # However long this test takes
    just_now = now() + timedelta(hours=1)
    wanted = []
    for number in range(count):
        gateway = make_gateway(tenant, cluster, f"gateway-{number}", wakes=1, hinted_at=just_now)
        RuntimeDomain.objects.create(gateway=gateway, tenant=tenant, wakes=1, hinted_at=just_now)
        wanted += [want(cluster, bundle_key(gateway.pk, part)) for part in ("runtime", "routes")]
    return wanted


def statements(session: Session, reports: Sequence[Report]) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert hear_of_bundles(session, reports, received=EVERYTHING) == len(reports)
    return len(asked)


def test_a_hundred_cost_as_many_statements_as_two(session: Session, cluster: Cluster, tidewater: Any) -> None:
    wanted = living(tidewater, cluster, AT_ONCE // 2)
    few = statements(session, [report(bundle) for bundle in wanted[:2]])
    many = statements(session, [report(bundle, message="up") for bundle in wanted])
    assert few == many
    assert many < 24
    for model in (FunctionGateway, RuntimeDomain):
        assert sorted(model.objects.values_list("wakes", flat=True)) == [2] * (AT_ONCE // 2 - 1) + [3]
    assert Bundle.objects.filter(phase=Bundle.Phase.READY, message="up", ready_ms__isnull=False).count() == AT_ONCE


def test_whoever_rests_is_not_woken_and_whoever_waits_is(session: Session, cluster: Cluster, tidewater: Any) -> None:
    runtime, routes, *_others = living(tidewater, cluster, 2)
    FunctionGateway.objects.update(due_at=None)
    RuntimeDomain.objects.update(due_at=now() + timedelta(minutes=1))
    hear_of_bundles(session, [report(runtime), report(routes)], received=EVERYTHING)
    assert not FunctionGateway.objects.exclude(due_at=None).exists()
    assert RuntimeDomain.objects.filter(due_at__lte=now()).count() == 1


def test_what_is_gone_is_forgotten_together_and_the_cluster_knows_up_to_where(
    session: Session, cluster: Cluster
) -> None:
    wanted = [want(cluster, f"trial/{number}") for number in range(6)]
    for bundle in wanted[:4]:
        remove_bundle(cluster_id=cluster.pk, key=bundle.key)
    said = [report(bundle, Bundle.Phase.PRUNED) for bundle in wanted[:4]]
    assert hear_of_bundles(session, [*said, report(wanted[4])], received=9) == 4
    assert {bundle.key for bundle in Bundle.objects.all()} == {"trial/3", "trial/4", "trial/5"}
    cluster.refresh_from_db()
    assert cluster.forgotten_revision == 9


def test_an_owner_that_breaks_the_transaction_keeps_only_its_own_from_being_heard(
    session: Session, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(keys: Sequence[str]) -> None:
        if "trial/1" in keys:
            raise IntegrityError("as the database would")

    monkeypatch.setitem(bundles._hearers, "trial", fail)
    wanted = [want(cluster, f"trial/{number}") for number in range(3)]
    assert hear_of_bundles(session, [report(bundle) for bundle in wanted], received=EVERYTHING) == 2
    assert Bundle.objects.get(phase=Bundle.Phase.PENDING).key == "trial/1"


def test_that_the_database_is_away_is_not_taken_for_a_mistake(
    session: Session, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream ends, so that the agent says it again."""

    def fail(keys: Sequence[str]) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setitem(bundles._hearers, "trial", fail)
    wanted = [want(cluster, f"trial/{number}") for number in range(2)]
    with pytest.raises(OperationalError):
        hear_of_bundles(session, [report(bundle) for bundle in wanted], received=EVERYTHING)


def test_of_an_agent_that_does_not_lead_nothing_counts(session: Session, cluster: Cluster) -> None:
    bundle = want(cluster, "trial/a")
    Agent.objects.update(leads=False)
    assert hear_of_bundles(session, [report(bundle)], received=EVERYTHING) == 0


def test_workers_that_want_and_agents_that_report_do_not_wait_in_a_circle(
    session: Session, cluster: Cluster, tidewater: Any
) -> None:
    wanted = living(tidewater, cluster, 12)
    domains = list(RuntimeDomain.objects.values_list("pk", "gateway_id"))

    def hear(number: int) -> None:
        for turn in range(25):
            chosen = random.sample(wanted, 16)
            said = [report(bundle, Bundle.Phase.DELIVERING, f"{number} {turn}") for bundle in chosen]
            hear_of_bundles(session, said, received=EVERYTHING)

    def work(number: int) -> None:
        """As the kernel does: a domain, its gateway, and what is wanted in the cluster."""
        for turn in range(60):
            domain, gateway = random.choice(domains)
            with transaction.atomic():
                list(RuntimeDomain.objects.select_for_update().filter(pk=domain))
                list(FunctionGateway.objects.select_for_update().filter(pk=gateway))
                want(cluster, bundle_key(gateway, "namespace"), turn=turn, number=number)

    def closed(task: Any, number: int) -> None:
        try:
            task(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        tasks = [pool.submit(closed, task, number) for number in range(3) for task in (hear, work)]
        for task in tasks:
            task.result()
