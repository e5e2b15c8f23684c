"""Gateways for tests, a cluster that does what it's told, and workers that work only when asked to."""

from contextlib import AbstractContextManager
from unittest import mock

from django.db import connection

from apps.core import clock
from apps.core.lifecycle import kernel
from apps.core.lifecycle.machine import all_machines
from apps.fleet.models import Bundle, Cluster, Reach
from apps.fleet.services.bundles import tell_owners
from apps.gateways import databases
from apps.gateways.databases import name_of
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.queue.cluster import wait_until


def make_cluster(name: str = "local", **values: object) -> Cluster:
    return Cluster.objects.create(name=name, region="here", reach=Reach.LOCAL, domain="localhost", **values)


def make_gateway(tenant: Tenant, cluster: Cluster, name: str = "parcel-tracking", **values: object) -> FunctionGateway:
    return FunctionGateway.objects.create(
        tenant=tenant, cluster=cluster, name=name, title=name.replace("-", " ").capitalize(), **values
    )


class ObedientCluster:
    """Applies what is wanted at once, without anything behind it; keeps the order in which it was told."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def obey(self) -> bool:
        """Whether there was anything new."""
        new = False
        for bundle in Bundle.objects.order_by("revision"):
            part = bundle.key.rpartition("/")[2]
            if bundle.removed_at is not None:
                self.log.append(f"remove {part}")
                bundle.delete()
            elif not bundle.says(Bundle.Phase.READY):
                self.log.append(f"apply {part}")
                bundle.phase, bundle.reported_digest = Bundle.Phase.READY, bundle.digest
                bundle.save()
            else:
                continue
            new = True
            tell_owners([bundle.key])
        return new


def converge(cluster: ObedientCluster, *, rounds: int = 60) -> None:
    """Let workers and cluster take turns until nothing is due; waits are cut short."""
    with patient_drops():
        _converge(cluster, rounds)


def _converge(cluster: ObedientCluster, rounds: int) -> None:
    for _ in range(rounds):
        worked = False
        for machine in all_machines():
            for pk in list(machine.model._base_manager.filter(due_at__isnull=False).values_list("pk", flat=True)):
                machine.model._base_manager.filter(pk=pk).update(due_at=clock.now())
                kernel.advance(machine, pk)
                worked = True
        if not cluster.obey() and not worked:
            return
    raise AssertionError(f"Nothing came to rest within {rounds} rounds.")


def patient_drops() -> AbstractContextManager[object]:
    """Where waits are cut short, a DROP that takes long would come round again and again."""
    return mock.patch.object(databases, "DROP_WAITED_FOR", 120.0)


def drop_for_good(name: str) -> None:
    """Also where a worker of the test is still at it."""
    with patient_drops():
        wait_until(lambda: _is_dropped(name), within=120, what=f"{name} to be dropped")


def _is_dropped(name: str) -> bool:
    try:
        databases.drop_database(name)
    except databases.Busy:
        return False
    return True


def databases_there() -> set[str]:
    """On the server, of the gateways that this test has made: others run at the same time."""
    names = [name_of(pk) for pk in FunctionGateway.objects.values_list("pk", flat=True)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname = ANY(%s)", [names])
        return {row[0] for row in cursor.fetchall()}
