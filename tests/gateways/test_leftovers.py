"""What is left of gateways past their life cycle: certain of it goes by itself, and the rest is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from apps.audit.models import AuditEvent
from apps.core.clock import now
from apps.core.doctor.findings import Level
from apps.core.ids import new_id
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.queue.sweeper import registry
from apps.fleet.models import Bundle
from apps.fleet.services.bundles import put_bundle
from apps.gateways import databases
from apps.gateways.doctor import findings_of_leftovers
from apps.gateways.leftovers import CERTAIN_AFTER, MOST_AT_ONCE, find_leftovers, remove_leftovers
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.gateways.rendering.names import bundle_key
from apps.gateways.services.mending import finish_deletion
from apps.tenants.models import Tenant
from tests.gateways.world import ObedientCluster, converge, databases_there, drop_for_good, make_cluster, make_gateway

pytestmark = pytest.mark.django_db
LONG_AGO = CERTAIN_AFTER + timedelta(minutes=1)


@pytest.fixture
def gone(tidewater: Tenant) -> FunctionGateway:
    """Created, deleted, and all of it was an hour ago."""
    cluster, gateway = ObedientCluster(), make_gateway(tidewater, make_cluster())
    converge(cluster)
    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.DELETED, due_at=now())
    converge(cluster)
    FunctionGateway.objects.filter(pk=gateway.pk).update(phase_at=now() - LONG_AGO)
    gateway.refresh_from_db()
    assert gateway.phase == Phase.DELETED
    return gateway


@pytest.fixture
def stranger() -> Iterator[str]:
    """A database as another installation on the same server has them."""
    name = databases.name_of(new_id("gw"))
    databases.make_database(name, "secret")
    yield name
    drop_for_good(name)


def levels() -> list[Level]:
    return [finding.level for finding in findings_of_leftovers(find_leftovers())]


def name_of(gateway: FunctionGateway) -> str:
    return databases.name_of(gateway.pk)


def test_after_an_ordinary_life_nothing_is_left(gone: FunctionGateway) -> None:
    found = find_leftovers()
    assert (found.deleted, found.bundles, found.lost) == ((), (), ())
    assert name_of(gone) not in found.unknown
    before = (AuditEvent.objects.count(), LifecycleEvent.objects.count())
    remove_leftovers()
    assert before == (AuditEvent.objects.count(), LifecycleEvent.objects.count())


def test_a_database_that_came_back_goes_and_both_logs_say_so(gone: FunctionGateway) -> None:
    databases.make_database(name_of(gone), "secret")
    assert find_leftovers().deleted == (gone,)
    assert Level.NOTE in levels()
    remove_leftovers()
    converge(ObedientCluster())
    assert not databases.is_there(name_of(gone))
    gone.refresh_from_db()
    assert gone.phase == Phase.DELETED
    assert "Something of it was still there" in LifecycleEvent.objects.get(subject_id=gone.pk, kind="noted").because
    event = AuditEvent.objects.get(verb="gateway.finished")
    assert (event.target_id, event.actor_label) == (gone.pk, "The system")


def test_a_role_alone_is_found_too(gone: FunctionGateway) -> None:
    with databases._server() as server:
        server.execute(f"CREATE ROLE {name_of(gone)}")
    remove_leftovers()
    converge(ObedientCluster())
    assert not databases.is_there(name_of(gone))


def test_within_the_hour_it_may_be_somebody_at_work(gone: FunctionGateway) -> None:
    FunctionGateway.objects.filter(pk=gone.pk).update(phase_at=now())
    databases.make_database(name_of(gone), "secret")
    remove_leftovers()
    converge(ObedientCluster())
    assert name_of(gone) in databases_there()


@pytest.mark.parametrize("values", [{"state": State.RUNNING}, {"phase": Phase.STOPPED, "state": State.STOPPED}])
def test_what_nobody_wanted_deleted_stays_whatever_phase_it_was_forced_into(
    gone: FunctionGateway, values: dict[str, str]
) -> None:
    FunctionGateway.objects.filter(pk=gone.pk).update(**values)
    databases.make_database(name_of(gone), "secret")
    remove_leftovers()
    assert not finish_deletion(gateway=gone)
    converge(ObedientCluster())
    assert name_of(gone) in databases_there()


def test_another_that_has_its_name_by_now_keeps_it(gone: FunctionGateway) -> None:
    other = make_gateway(gone.tenant, gone.cluster, gone.name)
    databases.make_database(name_of(gone), "secret")
    remove_leftovers()
    converge(ObedientCluster())
    other.refresh_from_db()
    assert (other.name, other.phase) == ("parcel-tracking", Phase.STARTED)
    assert databases_there() >= {name_of(other)}
    assert not databases.is_there(name_of(gone))


def test_a_name_that_nobody_here_knows_is_told_and_left_alone(gone: FunctionGateway, stranger: str) -> None:
    # Other tests may run on the same server
    assert stranger in find_leftovers().unknown
    (finding,) = findings_of_leftovers(replace(find_leftovers(), unknown=(stranger,)))
    assert (finding.level, stranger in finding.what) == (Level.WARNING, True)
    remove_leftovers()
    assert databases.is_there(stranger)


def test_names_that_only_look_like_ours_are_no_names_of_ours() -> None:
    for name in ("gw_db_test_other", "gw_db_" + "u" * 26, "gw_db_" + "a" * 27):
        with databases._server() as server:
            server.execute(f"CREATE ROLE {name}")
            try:
                assert name not in databases.list_there()
            finally:
                server.execute(f"DROP ROLE {name}")


def test_what_clusters_keep_for_gateways_that_are_gone_is_wanted_no_more(gone: FunctionGateway) -> None:
    nobody = new_id("gw")
    for gateway_id in (nobody, gone.pk):
        for part in ("namespace", "routes"):
            put_bundle(cluster_id=gone.cluster_id, key=bundle_key(gateway_id, part), manifests=[])
    assert find_leftovers().bundles == ()
    Bundle.objects.update(wanted_at=now() - LONG_AGO)
    assert {bundle.key for bundle in find_leftovers().bundles} == {
        bundle_key(nobody, "namespace"), bundle_key(nobody, "routes"),
    }  # fmt: skip
    assert find_leftovers().deleted == (gone,)
    remove_leftovers()
    converge(ObedientCluster())
    assert not Bundle.objects.exists()
    assert AuditEvent.objects.filter(verb="gateway.leftover_removed", target_id=nobody).count() == 2
    assert Level.NOTE not in levels()


def test_a_database_that_is_lost_is_told_and_not_made_anew(tidewater: Tenant) -> None:
    gateway = make_gateway(tidewater, make_cluster())
    converge(ObedientCluster())
    drop_for_good(name_of(gateway))
    assert find_leftovers().lost == (GatewayDatabase.objects.get(gateway=gateway),)
    (finding,) = findings_of_leftovers(replace(find_leftovers(), unknown=()))
    assert (finding.level, "parcel-tracking" in finding.what) == (Level.ERROR, True)
    remove_leftovers()
    converge(ObedientCluster())
    assert not databases.is_there(name_of(gateway))


def test_one_run_is_bounded(gone: FunctionGateway) -> None:
    for _ in range(MOST_AT_ONCE + 3):
        put_bundle(cluster_id=gone.cluster_id, key=bundle_key(new_id("gw"), "namespace"), manifests=[])
    Bundle.objects.update(wanted_at=now() - LONG_AGO)
    remove_leftovers()
    assert Bundle.objects.filter(removed_at=None).count() == 3


def test_a_sweep_runs_it() -> None:
    assert "apps.gateways.sweeps.remove_what_gateways_left" in registry
