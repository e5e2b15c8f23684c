"""Title, bundle, layout, owner, stages: what is changed of a gateway that goes on."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, InvalidInput, NotAllowed, StaleVersion
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.walls import walled
from apps.fleet.models import Bundle
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway, Stage
from apps.gateways.services import change_gateway, switch_stage, transfer_gateway
from apps.gateways.sizes import Layout
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.gateways.contract import GatewayServiceContract, some_cluster, some_gateway
from tests.gateways.world import ObedientCluster, converge, make_gateway
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db


class TestChange(GatewayServiceContract):
    verb = "gateway.changed"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return change_gateway(actor=actor, gateway=row, title="Another title", size="large")


class TestTransfer(GatewayServiceContract):
    verb = "gateway.transferred"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        grace = make_member(f"grace{row.pk[-4:]}", self.tidewater, Role.GATEWAY_OWNER)
        return transfer_gateway(actor=actor, gateway=row, owner_id=grace.pk)


class TestSwitchStage(GatewayServiceContract):
    verb = "gateway.stage_switched"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return switch_stage(actor=actor, gateway=row, stage="dev", state="inactive", reason="Moving house.")


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


def test_only_what_differs_is_written_down(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    changed = change_gateway(
        actor=owner, gateway=gateway, title=gateway.title, size="standard", version=gateway.version
    )
    event = AuditEvent.objects.get()
    assert (event.before, event.after) == ({"size": "small"}, {"size": "standard"})
    assert (changed.size, changed.generation, changed.version) == ("standard", 2, 2)


def test_another_title_starts_nothing_anew(owner: Member) -> None:
    gateway = some_gateway(owner.tenant, phase=Phase.STARTED, observed_generation=1)
    assert not change_gateway(actor=owner, gateway=gateway, title=" Parcel \u202e labels ").is_changed
    gateway.refresh_from_db()
    assert gateway.title == "Parcel labels"


def test_the_same_again_changes_nothing(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    same = change_gateway(actor=owner, gateway=gateway, title=gateway.title, size=gateway.size, layout=gateway.layout)
    assert (same.version, AuditEvent.objects.count(), LifecycleEvent.objects.count()) == (1, 0, 0)


@pytest.mark.parametrize("wrong", [{"title": " "}, {"title": "x" * 81}, {"size": "huge"}, {"layout": "none"}])
def test_what_will_not_do_is_refused_at_its_place(owner: Member, wrong: dict[str, str]) -> None:
    gateway = some_gateway(owner.tenant)
    with pytest.raises(InvalidInput) as refused:
        change_gateway(actor=owner, gateway=gateway, **wrong)
    assert list(refused.value.fields) == list(wrong)
    gateway.refresh_from_db()
    assert gateway.version == 1


def test_a_change_of_another_version_is_refused(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    with pytest.raises(StaleVersion):
        change_gateway(actor=owner, gateway=gateway, size="large", version=7)


# --- The owner -------------------------------------------------------------------------------------


def test_whoever_gave_it_away_may_not_any_more(owner: Member) -> None:
    runner = make_member("grace", owner.tenant, Role.GATEWAY_OWNER)
    gateway = some_gateway(owner.tenant, runner.person)
    assert transfer_gateway(actor=runner, gateway=gateway, owner_id=owner.pk).owner_id == owner.pk
    with pytest.raises(NotAllowed):
        transfer_gateway(actor=runner, gateway=gateway, owner_id=runner.pk)


def test_it_goes_to_nobody_who_could_not_run_it(owner: Member, bob: User, charlie: User, hanbit: Tenant) -> None:
    gateway = some_gateway(owner.tenant, owner.person)
    for person in (bob, charlie):
        with pytest.raises(InvalidInput) as refused:
            transfer_gateway(actor=owner, gateway=gateway, owner_id=person.pk)
        assert list(refused.value.fields) == ["owner"]
    gateway.refresh_from_db()
    assert gateway.owner_id == owner.pk


# --- Stages ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_an_inactive_stage_answers_with_the_reason_and_the_runtime_stays(owner: Member) -> None:
    gateway, cluster = some_gateway(owner.tenant), ObedientCluster()
    converge(cluster)
    told = len(cluster.log)
    with walled(owner.tenant_id):
        switch_stage(actor=owner, gateway=gateway, stage="staging", state="inactive", reason="Load test until noon.")
    converge(cluster)
    assert cluster.log[told:] == ["apply routes"]
    assert "Load test until noon." in routes_of(gateway)
    switch_stage(actor=owner, gateway=gateway, stage="staging", state="active")
    converge(cluster)
    assert "Load test until noon." not in routes_of(gateway)
    events = list(AuditEvent.objects.filter(verb="gateway.stage_switched").order_by("pk"))
    off = {"stage": "staging", "state": "inactive", "reason": "Load test until noon."}
    on = {"stage": "staging", "state": "active", "reason": ""}
    assert [(event.before, event.after) for event in events] == [(on, off), (off, on)]


def test_switching_off_takes_a_reason_and_the_same_again_changes_nothing(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    with pytest.raises(InvalidInput) as refused:
        switch_stage(actor=owner, gateway=gateway, stage="dev", state="inactive")
    assert list(refused.value.fields) == ["reason"]
    assert switch_stage(actor=owner, gateway=gateway, stage="dev", state="active").version == 1
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(("field", "stage", "state"), [("stage", "qa", "active"), ("state", "dev", "gone")])
def test_there_are_three_stages_and_two_states(owner: Member, field: str, stage: str, state: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        switch_stage(actor=owner, gateway=some_gateway(owner.tenant), stage=stage, state=state, reason="x")
    assert list(refused.value.fields) == [field]


def test_a_stage_that_is_not_made_yet_waits(owner: Member) -> None:
    gateway = make_gateway(owner.tenant, some_cluster())
    assert not Stage.objects.exists()
    with pytest.raises(Conflict, match="isn't there yet"):
        switch_stage(actor=owner, gateway=gateway, stage="dev", state="inactive", reason="x")


# --- The layout ------------------------------------------------------------------------------------


class WatchfulCluster(ObedientCluster):
    """Sees to it that no route ever leads to a process that isn't there."""

    def obey(self) -> bool:
        new = super().obey()
        for routes in Bundle.objects.filter(key__endswith="/routes", removed_at=None):
            there = {each["name"] for each in Bundle.objects.get(key=routes.key[:-6] + "runtime").objects_named}
            text = routes.manifests.reveal()
            led_to = {name for name in ("all", "dev-staging", "dev", "staging", "prod") if f'/{name}"' in text}
            assert led_to, "no route leads anywhere"
            assert led_to <= there
        return new


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("other", [Layout.SHARED, Layout.PER_STAGE])
def test_routes_never_lead_to_a_process_that_is_not_there(owner: Member, other: str) -> None:
    gateway, cluster = some_gateway(owner.tenant), WatchfulCluster()
    converge(cluster)
    told = len(cluster.log)
    change_gateway(actor=owner, gateway=gateway, layout=other)
    converge(cluster)
    # The new ones beside the old, the routes, and then the old ones go
    assert cluster.log[told:] == ["apply runtime", "apply routes", "apply runtime"]
    gateway.refresh_from_db()
    assert (gateway.phase, gateway.is_changed) == (Phase.STARTED, False)
    assert named(gateway, "runtime") == {Layout.SHARED: {"all"}, Layout.PER_STAGE: {"dev", "staging", "prod"}}[other]


@pytest.mark.django_db(transaction=True)
def test_a_change_of_the_bundle_replaces_processes_and_touches_no_route(owner: Member) -> None:
    gateway, cluster = some_gateway(owner.tenant), ObedientCluster()
    converge(cluster)
    told = len(cluster.log)
    change_gateway(actor=owner, gateway=gateway, size="large")
    converge(cluster)
    assert cluster.log[told:] == ["apply runtime"]


def routes_of(gateway: FunctionGateway) -> str:
    text: str = Bundle.objects.get(key=f"gateway/{gateway.pk}/routes").manifests.reveal()
    return text


def named(gateway: FunctionGateway, part: str) -> set[str]:
    return {each["name"] for each in Bundle.objects.get(key=f"gateway/{gateway.pk}/{part}").objects_named}
