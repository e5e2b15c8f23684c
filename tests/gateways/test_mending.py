"""Gateways that don't move by themselves: found, explained, and moved again by what operators may do."""

from typing import Any, ClassVar

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.core.lifecycle.models import LifecycleEvent
from apps.fleet.models import Bundle
from apps.gateways.lifecycle.diagnosis import Cure
from apps.gateways.lifecycle.sight import diagnose, list_stuck
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain, Stage
from apps.gateways.services.mending import force_phase, mend_gateway
from apps.tenants.models import Tenant
from tests.contracts.service import ServiceContract
from tests.gateways.world import ObedientCluster, converge, databases_there, make_cluster, make_gateway

pytestmark = pytest.mark.django_db(transaction=True)


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
