"""Gateways that don't move by themselves: found, explained, and moved again by what operators may do."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.clock import now
from apps.core.errors import Conflict, InvalidInput, NotAllowed, Problem
from apps.core.lifecycle.failures import AWAY
from apps.core.lifecycle.models import LifecycleEvent
from apps.fleet.models import Agent, Bundle, Cluster
from apps.gateways.lifecycle.diagnosis import Cure
from apps.gateways.lifecycle.sight import diagnose, list_stuck
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain, Stage
from apps.gateways.progress import why
from apps.gateways.services.mending import force_phase, mend_gateway
from apps.tenants.models import Tenant
from tests.contracts.service import ServiceContract
from tests.gateways.contract import some_gateway
from tests.gateways.world import ObedientCluster, converge, databases_there, make_cluster, make_gateway
from tests.tenants.world import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> ObedientCluster:
    return ObedientCluster()


@pytest.fixture
def stopped(tidewater: Tenant, cluster: ObedientCluster) -> FunctionGateway:
    """Made whole, and stopped."""
    gateway = make_gateway(tidewater, make_cluster(), state=State.STOPPED)
    converge(cluster)
    gateway.refresh_from_db()
    assert gateway.phase == Phase.STOPPED
    return gateway


def half_delete(gateway: FunctionGateway) -> None:
    """What the forebears' gateways were found as: stopped, the domain deleted, stages and database left."""
    RuntimeDomain.objects.filter(gateway=gateway).update(state=State.DELETED, phase=Phase.DELETED, due_at=None)


def apply_nothing(cluster: ObedientCluster) -> None:
    """A second run finds nothing to do."""
    before = (list(cluster.log), LifecycleEvent.objects.count(), list(Bundle.objects.values("key", "revision")))
    converge(cluster)
    assert before == (list(cluster.log), LifecycleEvent.objects.count(), list(Bundle.objects.values("key", "revision")))


class TestTheForebearsCase:
    def test_it_is_detected_and_explained(self, stopped: FunctionGateway) -> None:
        assert list_stuck() == []
        half_delete(stopped)
        (found,) = list_stuck()
        assert found.gateway == stopped
        assert found.is_stuck
        assert found.main.rule == "domain_deleted"
        assert str(found.main.because) == "its domain was deleted while the gateway stays"
        assert "The domain is deleted and was wanted deleted, but the gateway is wanted stopped." in str(
            found.main.explanation
        )
        assert {part.name for part in found.parts if not part.is_well} == {"domain"}
        assert str(found.callers).startswith("Callers get 404")

    def test_the_remedy_says_what_it_will_do(self, stopped: FunctionGateway) -> None:
        half_delete(stopped)
        (found,) = list_stuck()
        remedy = found.advised
        assert remedy.cure == Cure.FINISH
        assert str(remedy.label) == "Finish the stop"
        assert [str(each) for each in remedy.does] == ["Make its domain anew, under the same names"]
        assert (str(remedy.ends_as), remedy.is_safe, remedy.cant_because) == ("stopped", True, None)

    def test_one_click_mends_it_and_nothing_is_lost(
        self, stopped: FunctionGateway, cluster: ObedientCluster, operator: User
    ) -> None:
        half_delete(stopped)
        stages, databases = set(Stage.objects.values_list("pk", flat=True)), databases_there()
        mend_gateway(actor=operator, gateway=stopped, cure=Cure.FINISH)
        converge(cluster)
        stopped.refresh_from_db()
        assert stopped.phase == Phase.STOPPED
        domain = RuntimeDomain.objects.get(gateway=stopped)
        assert (domain.state, domain.phase) == (State.STOPPED, Phase.STOPPED)
        assert set(Stage.objects.values_list("pk", flat=True)) == stages
        assert databases_there() == databases
        assert list_stuck() == []
        assert diagnose(stopped) is None
        apply_nothing(cluster)

    def test_it_can_be_started_again_at_once(
        self, stopped: FunctionGateway, cluster: ObedientCluster, operator: User
    ) -> None:
        half_delete(stopped)
        mend_gateway(actor=operator, gateway=stopped, cure=Cure.START)
        converge(cluster)
        stopped.refresh_from_db()
        assert (stopped.state, stopped.phase) == (State.RUNNING, Phase.STARTED)
        assert RuntimeDomain.objects.get(gateway=stopped).phase == Phase.STARTED
        assert diagnose(stopped) is None
        apply_nothing(cluster)

    def test_its_deletion_is_finished_too(self, stopped: FunctionGateway, cluster: ObedientCluster) -> None:
        half_delete(stopped)
        FunctionGateway.objects.filter(pk=stopped.pk).update(state=State.DELETED)
        (found,) = list_stuck()
        assert found.main.rule == "unheard"
        assert not found.remedy(Cure.FINISH).is_safe
        assert "Drop its database with all that is in it" in [str(each) for each in found.remedy(Cure.FINISH).does]


class MendingContract(ServiceContract):
    """Operators may; what somebody is in the gateway's own workspace doesn't count."""

    watched = (FunctionGateway, RuntimeDomain)
    cure: ClassVar[Cure]
    allowed = ("operator",)
    refused: ClassVar[dict[str, type[Problem]]] = dict.fromkeys(["alice", "bob", "charlie", "member"], NotAllowed)

    @pytest.fixture
    def actors(self, alice: User, bob: User, charlie: User, operator: User, yuna: User, tidewater: Tenant) -> Any:
        self.tidewater = tidewater
        people = {"alice": alice, "bob": bob, "charlie": charlie, "operator": operator, "administrator": yuna}
        return {**people, "member": member(alice, tidewater)}

    def make(self, alice: User, bob: User) -> FunctionGateway:
        gateway = some_gateway(self.tidewater, alice)
        until = now() - timedelta(minutes=1)
        FunctionGateway.objects.filter(pk=gateway.pk).update(
            phase=Phase.STOPPED, state=State.STOPPED, leased_until=until, has_stopped=True
        )
        gateway.refresh_from_db()
        return gateway

    def call(self, actor: Any, row: FunctionGateway) -> Any:
        return mend_gateway(actor=actor, gateway=row, cure=self.cure)


class TestFinish(MendingContract):
    cure, verb = Cure.FINISH, "gateway.finished"


class TestStartAgain(MendingContract):
    cure, verb = Cure.START, "gateway.started_again"


class TestRetry(MendingContract):
    cure, verb = Cure.RETRY, "gateway.retried"


class TestRelease(MendingContract):
    cure, verb = Cure.RELEASE, "gateway.lease_released"


class TestForcePhase(MendingContract):
    verb = "gateway.phase_forced"
    allowed = ("administrator",)
    refused: ClassVar[dict[str, type[Problem]]] = dict.fromkeys(
        ["alice", "bob", "charlie", "member", "operator"], NotAllowed
    )

    def call(self, actor: Any, row: FunctionGateway) -> Any:
        return force_phase(actor=actor, gateway=row, phase=Phase.CREATED, reason="Its parts were made by hand.")

    def test_the_timeline_and_the_log_keep_the_reason(self, actors: Any) -> None:
        row = self.make(actors["alice"], actors["bob"])
        self.call(actors["administrator"], row)
        (line,) = LifecycleEvent.objects.filter(subject_id=row.pk, kind="forced")
        assert (line.because_of, line.phase) == ({"reason": "Its parts were made by hand."}, Phase.CREATED)
        event = AuditEvent.objects.get(verb=self.verb)
        assert event.after == {"phase": "created", "reason": "Its parts were made by hand.", "of": "gateway"}

    def test_of_the_domain_too(self, actors: Any) -> None:
        row = self.make(actors["alice"], actors["bob"])
        force_phase(actor=actors["administrator"], gateway=row, phase=Phase.STOPPED, reason="Closed.", of_domain=True)
        assert RuntimeDomain.objects.get(gateway=row).phase == Phase.STOPPED
        row.refresh_from_db()
        assert row.phase == Phase.STOPPED

    @pytest.mark.parametrize(
        ("values", "field"),
        [({"reason": "  "}, "reason"), ({"phase": "lost"}, "phase"), ({"reason": "x" * 301}, "reason")],
    )
    def test_nonsense_is_refused(self, actors: Any, values: dict[str, str], field: str) -> None:
        row = self.make(actors["alice"], actors["bob"])
        with pytest.raises(InvalidInput) as refused:
            force_phase(
                **{"actor": actors["administrator"], "gateway": row, "phase": "stopped", "reason": "Why", **values}
            )
        assert set(refused.value.fields) == {field}
        assert not AuditEvent.objects.filter(verb=self.verb).exists()


class TestWhatCantBeDone:
    @pytest.mark.parametrize(
        ("cure", "because"),
        [
            (Cure.RETRY, "It's at rest: no step is waiting."),
            (Cure.RELEASE, "Nobody holds one."),
        ],
    )
    def test_it_is_refused_and_says_why(
        self, stopped: FunctionGateway, operator: User, cure: Cure, because: str
    ) -> None:
        with pytest.raises(Conflict, match=because):
            mend_gateway(actor=operator, gateway=stopped, cure=cure)
        assert not AuditEvent.objects.filter(actor_id=operator.pk).exists()

    def test_what_goes_isnt_started_again(self, stopped: FunctionGateway, operator: User) -> None:
        FunctionGateway.objects.filter(pk=stopped.pk).update(state=State.DELETED)
        with pytest.raises(Conflict, match="can't be brought back"):
            mend_gateway(actor=operator, gateway=stopped, cure=Cure.START)

    def test_there_is_no_such_cure(self, stopped: FunctionGateway, operator: User) -> None:
        with pytest.raises(InvalidInput):
            mend_gateway(actor=operator, gateway=stopped, cure="pray")


class TestWhatIsFound:
    """Each rule, from the way things are."""

    def rules(self) -> list[str]:
        return [finding.rule for diagnosis in list_stuck() for finding in diagnosis.findings]

    def test_nothing_while_all_is_well(self, stopped: FunctionGateway) -> None:
        assert self.rules() == []
        assert diagnose(stopped) is None

    def test_what_was_left_behind_by_a_deletion_goes_at_one_click(
        self, stopped: FunctionGateway, cluster: ObedientCluster, operator: User
    ) -> None:
        put(stopped, state=State.DELETED, phase=Phase.DELETED)
        # Another has taken its name since
        other = make_gateway(stopped.tenant, stopped.cluster, stopped.name, state=State.STOPPED)
        converge(cluster)
        (found,) = list_stuck()
        assert found.main.rule == "left_behind"
        mend_gateway(actor=operator, gateway=stopped, cure=Cure.FINISH)
        converge(cluster)
        stopped.refresh_from_db()
        assert stopped.phase == Phase.DELETED
        assert not Stage.objects.filter(gateway=stopped).exists()
        assert databases_there() == {GatewayDatabase.objects.get(gateway=other).name}
        assert list_stuck() == []

    def test_parts_that_are_missing_are_made(
        self, stopped: FunctionGateway, cluster: ObedientCluster, operator: User
    ) -> None:
        Stage.objects.filter(name="prod").delete()
        RuntimeDomain.objects.all().delete()
        (found,) = list_stuck()
        assert found.main.rule == "parts_missing"
        assert [str(each) for each in found.advised.does] == [
            "Make its domain", "Make the stages that are missing: 1",
        ]  # fmt: skip
        mend_gateway(actor=operator, gateway=stopped, cure=found.main.advised)
        converge(cluster)
        assert Stage.objects.count() == 3
        assert list_stuck() == []
        apply_nothing(cluster)

    @pytest.mark.parametrize(
        ("values", "rule"),
        [
            ({"state": State.RUNNING}, "unheard"),
            ({"phase": Phase.STARTING, "has_stopped": True, "because": "No room."}, "stopped_trying"),
            ({"leased_until": -60, "due_at": -90, "fence": 3}, "lease_left"),
            ({"state": State.RUNNING, "due_at": -60}, "overdue"),
            ({"state": State.RUNNING, "phase": Phase.STARTING, "due_at": 5, "checkpoint_at": -90}, "slow"),
            ({"phase": Phase.DELETED, "state": State.RUNNING}, "undeleted"),
            ({"state": State.RUNNING, "phase": Phase.STARTED, "observed_generation": 1}, "other_domain"),
        ],
    )
    def test_a_gateway_that_stands_still(self, stopped: FunctionGateway, values: dict[str, Any], rule: str) -> None:
        put(stopped, **values)
        assert self.rules()[0] == rule

    def test_what_is_held_counts_as_wanted_stopped(self, stopped: FunctionGateway, operator: User) -> None:
        put(stopped, state=State.RUNNING, held_at=0)
        assert self.rules() == [], "it's where it's kept"
        put(stopped, phase=Phase.STARTING)
        (found,) = list_stuck()
        assert (found.main.rule, str(found.main.because)) == ("unheard", "no worker was told that it's wanted stopped")
        put(stopped, state=State.DELETED, phase=Phase.STOPPED)
        (found,) = list_stuck()
        assert str(found.main.because) == "no worker was told that it's wanted deleted"

    def test_operators_read_what_was_raised_and_the_workspace_its_kind(self, stopped: FunctionGateway) -> None:
        raised = {"error": "OperationalError: connection to db-7.internal failed", "reference": "le_1"}
        put(stopped, state=State.RUNNING, phase=Phase.STARTING, due_at=5, checkpoint_at=-90)
        FunctionGateway.objects.filter(pk=stopped.pk).update(because=AWAY, because_of=raised)
        (found,) = list_stuck()
        assert raised["error"] in str(found.main.because)
        stopped.refresh_from_db()
        assert why(stopped) == "PostgreSQL can't be reached. The step is tried again."

    def test_a_domain_that_gave_up(self, stopped: FunctionGateway) -> None:
        RuntimeDomain.objects.update(has_stopped=True, because="No room.", phase=Phase.STOPPING)
        assert "domain_stopped_trying" in self.rules()

    @pytest.mark.parametrize(
        ("scene", "rule", "said"),
        [
            ("maintenance", "in_maintenance", "local is in maintenance: new disks"),
            ("no agent", "no_agent", "no agent of local is connected"),
            ("refused", "refused", "local can't do it: out of memory"),
        ],
    )
    def test_a_cluster_that_keeps_it_waiting(self, stopped: FunctionGateway, scene: str, rule: str, said: str) -> None:
        put(stopped, state=State.RUNNING, phase=Phase.STARTING, due_at=5)
        Bundle.objects.update(phase=Bundle.Phase.FAILED if scene == "refused" else Bundle.Phase.PENDING)
        Bundle.objects.update(message="out of memory")
        if scene == "maintenance":
            Cluster.objects.update(maintenance_at=now(), maintenance_because="new disks")
        if scene == "refused":
            Agent.objects.create(cluster=stopped.cluster, name="one", session_id="ses_1", seen_at=now())
        fresh = FunctionGateway.objects.get(pk=stopped.pk)
        found = diagnose(fresh)
        assert found is not None
        assert (found.main.rule, found.is_stuck) == (rule, False), "it has only just begun to wait"
        assert said in [str(finding.because) for finding in found.findings]
        assert list_stuck() == []
        put(stopped, checkpoint_at=-90)
        (stuck,) = list_stuck()
        assert stuck.main.rule == rule

    def test_many_are_looked_at_at_once(self, tidewater: Tenant, django_assert_max_num_queries: Any) -> None:
        where = make_cluster()
        for number in range(12):
            make_gateway(tidewater, where, f"gateway-{number}", phase=Phase.STOPPED, state=State.STOPPED, due_at=None)
        with django_assert_max_num_queries(7):
            assert len(list_stuck()) == 12


def put(gateway: FunctionGateway, **values: Any) -> None:
    """Times are given in seconds from now."""
    times = {name: value for name, value in values.items() if name.endswith(("_at", "_until"))}
    moments = {name: now() + timedelta(seconds=value) for name, value in times.items()}
    FunctionGateway.objects.filter(pk=gateway.pk).update(**values | moments)
