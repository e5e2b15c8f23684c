"""Start, stop, restart, delete: what is wanted of a gateway as a whole."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import Conflict, NotAllowed, NotFound, StaleVersion
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.walls import walled
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.gateways.problems import BeingDeleted
from apps.gateways.services import (
    change_gateway,
    delete_gateway,
    restart_gateway,
    set_variables,
    start_gateway,
    stop_gateway,
    switch_stage,
    transfer_gateway,
)
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.gateways.contract import GatewayServiceContract, some_gateway
from tests.gateways.world import ObedientCluster, converge
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db


class TestStart(GatewayServiceContract):
    verb = "gateway.started"
    state = State.STOPPED

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return start_gateway(actor=actor, gateway=row)


class TestStop(GatewayServiceContract):
    verb = "gateway.stopped"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return stop_gateway(actor=actor, gateway=row)


class TestRestart(GatewayServiceContract):
    verb = "gateway.restarted"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return restart_gateway(actor=actor, gateway=row)


class TestDelete(GatewayServiceContract):
    verb = "gateway.deleted"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return delete_gateway(actor=actor, gateway=row)


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


def kept(gateway: FunctionGateway) -> Any:
    """Everything that a service could have written."""
    counted = (AuditEvent.objects.count(), LifecycleEvent.objects.count())
    return FunctionGateway.objects.values().get(pk=gateway.pk), counted


@pytest.mark.parametrize(
    ("service", "state"),
    [
        (start_gateway, State.RUNNING),
        (start_gateway, State.RESTARTING),
        (stop_gateway, State.STOPPED),
        (restart_gateway, State.RESTARTING),
        (delete_gateway, State.DELETED),
    ],
)
def test_wanting_what_is_wanted_changes_nothing(owner: Member, service: Callable[..., Any], state: str) -> None:
    gateway = some_gateway(owner.tenant, state=state)
    before = kept(gateway)
    assert service(actor=owner, gateway=gateway).pk == gateway.pk
    assert kept(gateway) == before


@pytest.mark.parametrize("inside", [True, False])
def test_it_says_who_wanted_it_and_is_due_at_once(owner: Member, inside: bool) -> None:
    gateway = some_gateway(owner.tenant, due_at=None, phase=Phase.STARTED, observed_generation=1)
    if inside:
        with walled(owner.tenant_id):
            stopped = stop_gateway(actor=owner, gateway=gateway)
    else:
        stopped = stop_gateway(actor=owner, gateway=gateway)
    assert (stopped.state, stopped.state_by, stopped.version) == (State.STOPPED, "Alice", gateway.version + 1)
    assert stopped.due_at is not None
    assert stopped.due_at <= clock.now()
    # What the life cycle alone writes
    assert (stopped.phase, stopped.observed_generation) == (Phase.STARTED, 1)
    line = LifecycleEvent.objects.get(subject_id=gateway.pk)
    assert (line.kind, line.because, line.actor_label) == ("wished", "Wanted stopped.", "Alice")
    event = AuditEvent.objects.get()
    assert (event.before, event.after) == ({"state": "running"}, {"state": "stopped"})


def test_a_restart_counts_and_asks_the_runtime_for_something_new(owner: Member) -> None:
    gateway = some_gateway(owner.tenant, phase=Phase.STARTED, observed_generation=1)
    again = restart_gateway(actor=owner, gateway=gateway)
    assert (again.state, again.restarts, again.generation) == (State.RESTARTING, 1, 2)
    assert again.is_changed


def test_what_is_stopped_is_started_and_not_restarted(owner: Member) -> None:
    gateway = some_gateway(owner.tenant, state=State.STOPPED)
    with pytest.raises(Conflict, match="Start it instead"):
        restart_gateway(actor=owner, gateway=gateway)


def test_one_that_has_given_up_is_tried_again_by_starting_it(owner: Member) -> None:
    gateway = some_gateway(owner.tenant, has_stopped=True, due_at=None, attempts=7)
    again = start_gateway(actor=owner, gateway=gateway)
    assert (again.has_stopped, again.attempts, again.due_at is None) == (False, 0, False)
    assert AuditEvent.objects.get().verb == "gateway.started"


@pytest.mark.parametrize("service", [start_gateway, stop_gateway, restart_gateway, delete_gateway])
def test_what_was_thought_out_on_another_version_is_refused(owner: Member, service: Callable[..., Any]) -> None:
    gateway = some_gateway(owner.tenant, state=State.STOPPED if service is start_gateway else State.RUNNING)
    before = kept(gateway)
    with pytest.raises(StaleVersion):
        service(actor=owner, gateway=gateway, version=gateway.version + 1)
    assert kept(gateway) == before


CHANGES: list[Callable[..., Any]] = [
    start_gateway,
    stop_gateway,
    restart_gateway,
    lambda **who: change_gateway(title="Another", **who),
    lambda **who: transfer_gateway(owner_id="usr_x", **who),
    lambda **who: set_variables(remove=["X"], **who),
    lambda **who: switch_stage(stage="dev", state="active", **who),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_being_deleted_stays_as_it_is(owner: Member, change: Callable[..., Any]) -> None:
    gateway = some_gateway(owner.tenant, state=State.DELETED, phase=Phase.DELETING)
    before = kept(gateway)
    with pytest.raises(BeingDeleted, match="is being deleted"):
        change(actor=owner, gateway=gateway)
    assert kept(gateway) == before


@pytest.mark.parametrize("change", [*CHANGES, delete_gateway])
def test_what_is_deleted_is_not_there(owner: Member, change: Callable[..., Any]) -> None:
    gateway = some_gateway(owner.tenant, state=State.DELETED, phase=Phase.DELETED)
    before = kept(gateway)
    with pytest.raises(NotFound):
        change(actor=owner, gateway=gateway)
    assert kept(gateway) == before


@pytest.mark.parametrize("change", [*CHANGES, delete_gateway])
def test_who_runs_gateways_changes_only_their_own(owner: Member, change: Callable[..., Any]) -> None:
    runner = make_member("grace", owner.tenant, Role.GATEWAY_OWNER)
    of_another = some_gateway(owner.tenant, owner.person)
    before = kept(of_another)
    with pytest.raises(NotAllowed):
        change(actor=runner, gateway=of_another)
    assert kept(of_another) == before


def test_who_runs_gateways_runs_their_own(owner: Member) -> None:
    runner = make_member("grace", owner.tenant, Role.GATEWAY_OWNER)
    own = some_gateway(owner.tenant, runner.person)
    assert stop_gateway(actor=runner, gateway=own).state == State.STOPPED
    assert delete_gateway(actor=runner, gateway=own).state == State.DELETED


def test_a_role_that_was_taken_away_meanwhile_counts(owner: Member, alice: User) -> None:
    gateway = some_gateway(owner.tenant)
    from apps.tenants.models import Membership

    Membership.objects.filter(person=alice).update(role=Role.VIEWER)
    with pytest.raises(NotAllowed):
        stop_gateway(actor=owner, gateway=gateway)


@pytest.mark.django_db(transaction=True)
def test_deleting_what_is_being_created_ends_with_nothing_left(owner: Member) -> None:
    gateway, cluster = some_gateway(owner.tenant), ObedientCluster()
    delete_gateway(actor=owner, gateway=gateway)
    converge(cluster)
    gateway.refresh_from_db()
    assert gateway.phase == Phase.DELETED
    assert not [each for each in cluster.log if each.startswith("apply")]


@pytest.mark.django_db(transaction=True)
def test_started_stopped_and_restarted_as_it_is_wanted(owner: Member) -> None:
    gateway, cluster = some_gateway(owner.tenant), ObedientCluster()
    for service, state, phase in (
        (stop_gateway, State.STOPPED, Phase.STOPPED),
        (start_gateway, State.RUNNING, Phase.STARTED),
        (restart_gateway, State.RUNNING, Phase.STARTED),
    ):
        service(actor=owner, gateway=gateway)
        converge(cluster)
        gateway.refresh_from_db()
        assert (gateway.state, gateway.phase) == (state, phase)
    assert not gateway.is_changed
