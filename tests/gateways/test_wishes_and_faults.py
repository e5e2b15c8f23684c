"""Whatever is wanted in whatever order, and whatever goes wrong meanwhile: it ends where the last wish says.

Wishes go through the services that people use. The cluster is one that does as it's told, refuses, says nothing or
forgets; databases are real ones, and what refuses there is a server that isn't there. A worker dies between what a
step did and the mark of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.conf import settings as configured
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from apps.accounts.models import User
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.lifecycle import kernel, wake
from apps.core.lifecycle.machine import all_machines
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.lifecycle.sweeps import hint_again
from apps.fleet.models import Bundle
from apps.fleet.services.bundles import tell_owners
from apps.gateways import databases, services
from apps.gateways.lifecycle.sight import diagnose
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import RuntimeDomain, Stage
from apps.gateways.services import Setting
from apps.gateways.sizes import Layout, StageName
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.gateways.world import ObedientCluster, converge, drop_for_good, make_cluster, make_gateway
from tests.machine import free_port
from tests.tenants.world import member

ENDS = {State.RUNNING: Phase.STARTED, State.STOPPED: Phase.STOPPED, State.DELETED: Phase.DELETED}
PARTS_OF = {
    Phase.STARTED: {"namespace", "configuration", "runtime", "routes"},
    Phase.STOPPED: {"namespace"},
    Phase.DELETED: set(),
}


class Died(BaseException):
    """No `except` of the product catches it, as none runs in a process that is killed."""


class Life(RuleBasedStateMachine):
    tenant: Tenant
    actor: Member

    def __init__(self) -> None:
        super().__init__()
        # What an example wrote goes with it
        self.around = transaction.atomic()
        self.around.__enter__()
        self.gateway = make_gateway(self.tenant, make_cluster(), owner=self.actor.person)
        self.cluster = ObedientCluster()
        self.last_wish = State.RUNNING
        self.can_reach_databases = True

    def teardown(self) -> None:
        try:
            self.everything_is_well_again()
        finally:
            transaction.set_rollback(True)
            self.around.__exit__(None, None, None)
            drop_for_good(databases.name_of(self.gateway.pk))

    # --- Wishes ---

    def _want(self, service: Any, *, wish: State | None = None, **values: Any) -> None:
        try:
            service(actor=self.actor, gateway=self.gateway, **values)
        except Conflict:
            # Such as a restart of one that is stopped: nothing is wanted then
            return
        if wish is not None:
            self.last_wish = wish

    @precondition(lambda self: self.last_wish != State.DELETED)
    @rule(wish=st.sampled_from([State.RUNNING, State.STOPPED, State.RESTARTING]))
    def want_state(self, wish: State) -> None:
        service = {
            State.RUNNING: services.start_gateway,
            State.STOPPED: services.stop_gateway,
            State.RESTARTING: services.restart_gateway,
        }[wish]
        self._want(service, wish=State.RUNNING if wish == State.RESTARTING else wish)

    @precondition(lambda self: self.last_wish != State.DELETED)
    @rule(layout=st.sampled_from(list(Layout)), value=st.integers(0, 9))
    def want_another_runtime(self, layout: Layout, value: int) -> None:
        self._want(services.change_gateway, layout=layout.value)
        self._want(services.set_variables, settings=[Setting("LEVEL", str(value))])

    @precondition(lambda self: self.last_wish != State.DELETED)
    @rule(stage=st.sampled_from(list(StageName)), state=st.sampled_from(list(Stage.State)))
    def switch_a_stage(self, stage: StageName, state: Stage.State) -> None:
        self._want(services.switch_stage, stage=stage.value, state=state.value, reason="Being looked at")

    @precondition(lambda self: self.last_wish != State.DELETED)
    @rule(sure=st.integers(0, 3))
    def want_it_gone(self, sure: int) -> None:
        if sure == 0:
            self._want(services.delete_gateway, wish=State.DELETED)

    # --- What goes on ---

    @rule(turns=st.integers(1, 6))
    def workers_work(self, turns: int) -> None:
        with self._databases():
            for _ in range(turns):
                _work()

    @rule()
    def the_cluster_obeys(self) -> None:
        self.cluster.obey()

    # --- What goes wrong ---

    @rule(part=st.integers(0, 3))
    def the_cluster_refuses(self, part: int) -> None:
        for bundle in Bundle.objects.filter(removed_at=None).order_by("key")[part : part + 1]:
            self._report(bundle, Bundle.Phase.FAILED, "out of memory")

    @rule(part=st.integers(0, 3))
    def the_cluster_forgets(self, part: int) -> None:
        for bundle in Bundle.objects.order_by("key")[part : part + 1]:
            bundle.reported_digest = ""
            self._report(bundle, Bundle.Phase.PENDING, "")

    @rule()
    def the_database_server_goes(self) -> None:
        self.can_reach_databases = False

    @rule()
    def the_database_server_comes_back(self) -> None:
        self.can_reach_databases = True

    @rule(after=st.integers(0, 2))
    def a_worker_dies_before_it_could_write(self, after: int) -> None:
        writes, write = iter(range(after)), kernel._write

        def die(*arguments: Any, **options: Any) -> None:
            if next(writes, None) is None:
                raise Died
            write(*arguments, **options)

        with self._databases(), mock.patch.object(kernel, "_write", die), suppress(Died):
            _work()
        self._leases_end()

    @rule()
    def all_hints_are_lost(self) -> None:
        for machine in all_machines():
            machine.model._base_manager.update(hinted_at=clock.now() - timedelta(minutes=1))
            hint_again(machine)

    # --- What holds ---

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """What isn't where it should be is due, or held; nobody has to come and say so."""
        for machine in all_machines():
            for row in machine.model._base_manager.all():
                assert row.due_at is not None or machine.decide(row) is None, row

    def everything_is_well_again(self) -> None:
        self.can_reach_databases = True
        self._leases_end()
        converge(self.cluster, rounds=120)
        self.gateway.refresh_from_db()
        assert self.gateway.phase == ENDS[self.last_wish], self._story()
        assert {key.rpartition("/")[2] for key in Bundle.objects.values_list("key", flat=True)} == PARTS_OF[
            Phase(self.gateway.phase)
        ], self._story()
        is_there = self.last_wish != State.DELETED
        assert databases.is_there(databases.name_of(self.gateway.pk)) == is_there
        assert RuntimeDomain.objects.exists() == is_there
        assert Stage.objects.count() == (len(StageName) if is_there else 0)
        if is_there:
            assert diagnose(self.gateway) is None, diagnose(self.gateway)
        if self.last_wish == State.RUNNING:
            assert not self.gateway.is_changed
            assert self.gateway.state == State.RUNNING
            domain = RuntimeDomain.objects.get()
            assert (self.gateway.runtime_layout, domain.layout) == (self.gateway.layout,) * 2
        self._rests()

    def _rests(self) -> None:
        """A second run applies nothing."""
        before = self._all_that_happened()
        for machine in all_machines():
            for pk in machine.model._base_manager.values_list("pk", flat=True):
                wake(machine, pk)
        converge(self.cluster)
        assert before == self._all_that_happened()

    # --- Helpers ---

    @contextmanager
    def _databases(self) -> Iterator[None]:
        if self.can_reach_databases:
            yield
            return
        nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none?connect_timeout=1"
        with mock.patch.object(configured, "GATEWAYS_DATABASE_URL", nowhere):
            yield

    def _report(self, bundle: Bundle, phase: str, message: str) -> None:
        if phase == Bundle.Phase.FAILED:
            bundle.reported_digest = bundle.digest
        bundle.phase, bundle.message, bundle.reported_at = phase, message, clock.now()
        bundle.save()
        tell_owners([bundle.key])

    def _leases_end(self) -> None:
        for machine in all_machines():
            held = machine.model._base_manager.filter(leased_until__isnull=False)
            held.update(leased_until=clock.now() - timedelta(seconds=1))

    def _all_that_happened(self) -> object:
        bundles = set(Bundle.objects.values_list("key", "revision"))
        return self.cluster.log[:], bundles, LifecycleEvent.objects.count()

    def _story(self) -> str:
        lines = LifecycleEvent.objects.order_by("id").values_list("machine", "phase", "step", "kind")
        return "\n".join(map(str, lines))


def _work() -> None:
    """Each worker takes what is due, without a wait."""
    for machine in all_machines():
        for pk in list(machine.model._base_manager.filter(due_at__isnull=False).values_list("pk", flat=True)):
            machine.model._base_manager.filter(pk=pk).update(due_at=clock.now())
            kernel.advance(machine, pk)


@pytest.mark.django_db
def test_it_ends_where_the_last_wish_says(tidewater: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    acting = member(alice, tidewater)

    class Lives(Life):
        tenant, actor = tidewater, acting

    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
