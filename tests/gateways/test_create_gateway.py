from functools import partial
from typing import Any

import pytest
from django.utils import translation

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.crypto import MASK
from apps.core.errors import InvalidInput, NotAllowed
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.queue.models import QueuedTask
from apps.core.walls import walled
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import LONGEST_NAME, FunctionGateway
from apps.gateways.names import RESERVED, refusal_of_name
from apps.gateways.problems import ClusterInMaintenance, NameTaken, TooManyGateways
from apps.gateways.services import Setting, create_gateway, delete_gateway, is_name_free
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.problems import TenantSuspended
from apps.tenants.roles import Role
from apps.tenants.services import suspend_tenant
from tests.at_once import at_once
from tests.gateways.contract import GatewayServiceContract, some_cluster
from tests.gateways.world import make_cluster, make_gateway
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db


class TestCreateGateway(GatewayServiceContract):
    verb = "gateway.created"
    refused = {"bob": NotAllowed, "operator": NotAllowed, "administrator": NotAllowed}

    def make(self, alice: User, bob: User) -> Any:
        some_cluster()

    def act(self, actor: Member, row: Any) -> FunctionGateway:
        return create_gateway(actor=actor, name="parcel-tracking", cluster=some_cluster())


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


def test_it_is_wanted_running_and_a_worker_is_told_at_once(owner: Member) -> None:
    with walled(owner.tenant_id):
        gateway = create_gateway(actor=owner, name="parcel-tracking", cluster=make_cluster())
    assert (gateway.state, gateway.phase, gateway.title) == (State.RUNNING, Phase.CREATING, "Parcel tracking")
    assert (gateway.owner_id, gateway.state_by) == (owner.pk, "Alice")
    assert gateway.due_at is not None
    assert gateway.due_at <= clock.now()
    assert [task.arguments for task in QueuedTask.objects.filter(function__endswith="advance_row")] == [
        {"machine_name": "gateway", "row_id": gateway.pk}
    ]
    line = LifecycleEvent.objects.get(subject_id=gateway.pk)
    assert (line.kind, line.actor_label) == ("wished", "Alice")


def test_what_it_began_with_is_written_down_without_secrets(owner: Member) -> None:
    settings = [Setting("ZONE", "KR"), Setting("CARRIER_PIN", "s3cr3t-pin", is_secret=True)]
    gateway = create_gateway(actor=owner, name="labels", cluster=make_cluster(), variables=settings, size="large")
    event = AuditEvent.objects.get()
    assert event.after["variables"] == {"ZONE": "KR", "CARRIER_PIN": MASK}
    assert event.after.items() >= {"name": "labels", "size": "large", "cluster": "local"}.items()
    assert {row.name: row.is_secret for row in gateway.variables.all()} == {"ZONE": False, "CARRIER_PIN": True}
    assert gateway.variables.get(name="CARRIER_PIN").secret.reveal() == "s3cr3t-pin"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "Give it a name."),
        ("a" * (LONGEST_NAME + 1), "40 characters or fewer; these are 41"),
        ("Parcels", "small letters, such as parcels"),
        ("parcel_tracking", "'_' is none of them"),
        ("parcel.tracking", "'.' is none of them"),
        ("parcel tracking", "' ' is none of them"),
        ("배송", "'배' is none of them"),
        ("-parcels", "Begin and end it with a letter or a digit"),
        ("parcels-", "Begin and end it with a letter or a digit"),
        ("xn--parcels", "third and fourth place"),
        ("www", "kept for the platform"),
        ("dev", "kept for the platform"),
        ("localhost", "kept for the platform"),
    ],
)
def test_a_name_that_will_not_do_is_refused_with_the_reason(owner: Member, name: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_gateway(actor=owner, name=name, cluster=make_cluster())
    assert reason in refused.value.fields["name"][0]
    assert not FunctionGateway.objects.exists()


@pytest.mark.parametrize("name", ["a", "9", "a" * LONGEST_NAME, "parcel-tracking-2", "a-b-c"])
def test_names_that_will_do(name: str) -> None:
    assert refusal_of_name(name) == ""


def test_every_reserved_name_is_one_but_for_that() -> None:
    assert {"www", "api", "admin", "imp", "localhost", "dev", "staging", "prod"} <= RESERVED
    with translation.override("en"):
        assert all("kept for the platform" in refusal_of_name(name) for name in RESERVED)


def test_a_cluster_has_each_name_once_whoever_has_it(owner: Member, hanbit: Tenant) -> None:
    here, there = make_cluster(), make_cluster("seoul-a")
    make_gateway(hanbit, here, "parcels")
    with walled(owner.tenant_id):
        assert not FunctionGateway.objects.exists()
        with pytest.raises(NameTaken) as refused:
            create_gateway(actor=owner, name="parcels", cluster=here)
        assert "local has a gateway named parcels already" in refused.value.fields["name"][0]
        assert not is_name_free(owner, here, "parcels")
        assert is_name_free(owner, there, "parcels")
        assert not FunctionGateway.objects.exists()
        assert create_gateway(actor=owner, name="parcels", cluster=there).pk


def test_the_name_of_a_deleted_one_is_free(owner: Member) -> None:
    cluster = make_cluster()
    make_gateway(owner.tenant, cluster, "parcels", phase=Phase.DELETED, state=State.DELETED)
    assert create_gateway(actor=owner, name="parcels", cluster=cluster).pk


def test_while_one_is_being_deleted_its_workspace_is_told_so_and_nobody_else(
    owner: Member, charlie: User, hanbit: Tenant
) -> None:
    cluster = make_cluster()
    gateway = create_gateway(actor=owner, name="parcels", cluster=cluster)
    delete_gateway(actor=owner, gateway=gateway)
    with walled(owner.tenant_id), pytest.raises(NameTaken) as told:
        create_gateway(actor=owner, name="parcels", cluster=cluster)
    assert "still being deleted" in told.value.fields["name"][0]
    other = member(charlie, hanbit)
    with walled(other.tenant_id), pytest.raises(NameTaken) as refused:
        create_gateway(actor=other, name="parcels", cluster=cluster)
    assert "already" in refused.value.fields["name"][0]


def test_a_workspace_has_so_many_and_no_more(owner: Member, hanbit: Tenant, settings: Any) -> None:
    settings.MOST_GATEWAYS = 2
    cluster = make_cluster()
    make_gateway(hanbit, cluster, "of-others")
    make_gateway(owner.tenant, cluster, "gone", phase=Phase.DELETED, state=State.DELETED)
    for name in ("one", "two"):
        create_gateway(actor=owner, name=name, cluster=cluster)
    with pytest.raises(TooManyGateways, match="2 gateways at most"):
        create_gateway(actor=owner, name="three", cluster=cluster)
    assert not FunctionGateway.objects.filter(name="three").exists()


def test_of_two_that_want_a_name_at_the_same_moment_one_gets_it(
    transactional_db: None, alice: User, tidewater: Tenant
) -> None:
    cluster, owners = make_cluster(), [member(alice, tidewater) for _ in range(2)]
    ends = at_once(*(partial(create_gateway, actor=owner, name="parcels", cluster=cluster) for owner in owners))
    assert sorted(type(end).__name__ for end in ends) == ["FunctionGateway", "NameTaken"]
    assert AuditEvent.objects.filter(verb="gateway.created").count() == 1


def test_nothing_new_goes_to_a_cluster_in_maintenance(owner: Member) -> None:
    cluster = make_cluster(maintenance_at=clock.now(), maintenance_because="New disks until noon.")
    with pytest.raises(ClusterInMaintenance) as refused:
        create_gateway(actor=owner, name="parcels", cluster=cluster)
    assert "New disks until noon." in refused.value.fields["cluster"][0]


def test_a_suspended_workspace_creates_nothing(owner: Member, yuna: User) -> None:
    cluster = make_cluster()
    suspend_tenant(actor=yuna, tenant=Tenant.objects.get(pk=owner.tenant_id), reason="The invoice of May is open.")
    with pytest.raises(TenantSuspended):
        create_gateway(actor=owner, name="parcels", cluster=cluster)


def test_whoever_runs_gateways_creates_their_own_and_names_only_those_who_may_own(owner: Member, bob: User) -> None:
    runner = make_member("grace", owner.tenant, Role.GATEWAY_OWNER)
    cluster = make_cluster()
    assert create_gateway(actor=runner, name="parcels", cluster=cluster).owner_id == runner.pk
    assert create_gateway(actor=owner, name="labels", cluster=cluster, owner_id=runner.pk).owner_id == runner.pk
    for nobody, reason in ((bob.pk, "bob"), ("usr_nobody", "somebody of this workspace")):
        with pytest.raises(InvalidInput) as refused:
            create_gateway(actor=owner, name="returns", cluster=cluster, owner_id=nobody)
        assert reason.lower() in refused.value.fields["owner"][0].lower()


@pytest.mark.parametrize("wrong", [{"size": "huge"}, {"layout": "none"}, {"title": "x" * 81}])
def test_what_is_not_offered_is_refused_at_its_place(owner: Member, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_gateway(actor=owner, name="parcels", cluster=make_cluster(), **wrong)
    assert list(refused.value.fields) == list(wrong)
    assert not FunctionGateway.objects.exists()
