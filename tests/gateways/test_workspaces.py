"""What becomes of gateways when their workspace is suspended, resumed or deleted."""

from contextlib import nullcontext

import pytest

from apps.accounts.models import User
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.walls import walled
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.gateways.progress import progress_of
from apps.gateways.services import delete_gateway
from apps.tenants.models import Tenant
from apps.tenants.problems import TenantInUse
from apps.tenants.services import delete_tenant, resume_tenant, suspend_tenant
from tests.access.tokens import confirmed
from tests.contracts.api import assert_problem
from tests.gateways.contract import some_gateway
from tests.gateways.world import ObedientCluster, converge, databases_there
from tests.tenants.world import member


@pytest.mark.django_db(transaction=True)
def test_a_suspended_workspace_serves_nobody_and_a_resumed_one_what_it_did(
    tidewater: Tenant, hanbit: Tenant, alice: User, yuna: User
) -> None:
    cluster = ObedientCluster()
    running, of_others = some_gateway(tidewater, alice), some_gateway(hanbit)
    stopped = some_gateway(tidewater, alice, state=State.STOPPED)
    converge(cluster)
    suspend_tenant(actor=yuna, tenant=tidewater, reason="The invoice of May is open.")
    running.refresh_from_db()
    assert progress_of(running) is not None
    converge(cluster)
    assert phases(running, stopped, of_others) == [Phase.STOPPED, Phase.STOPPED, Phase.STARTED]
    running.refresh_from_db()
    assert (running.state, running.wanted) == (State.RUNNING, State.STOPPED)
    assert f"{running.database}" in databases_there()
    resume_tenant(actor=yuna, tenant=tidewater)
    converge(cluster)
    assert phases(running, stopped, of_others) == [Phase.STARTED, Phase.STOPPED, Phase.STARTED]
    said = LifecycleEvent.objects.filter(subject_id=running.pk, kind="wished").order_by("id")
    assert [line.because for line in said] == [
        "Its workspace was suspended: it's kept stopped until that ends.",
        "Its workspace was resumed.",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("inside", [True, False])
def test_a_workspace_with_gateways_is_not_deleted_and_says_which(tidewater: Tenant, alice: User, inside: bool) -> None:
    gateway = some_gateway(tidewater, alice, "parcel-tracking")
    owner = member(alice, tidewater)
    with walled(tidewater.pk) if inside else nullcontext(), pytest.raises(TenantInUse, match="parcel-tracking"):
        delete_tenant(actor=owner)
    assert Tenant.objects.filter(pk=tidewater.pk).exists()
    delete_gateway(actor=member(alice, tidewater), gateway=gateway)
    # What is still being deleted would be left in its cluster
    with pytest.raises(TenantInUse):
        delete_tenant(actor=member(alice, tidewater))
    FunctionGateway.objects.update(phase=Phase.DELETED)
    delete_tenant(actor=member(alice, tidewater))
    assert not FunctionGateway.objects.exists()


@pytest.mark.django_db
def test_the_api_says_what_is_in_the_way(tidewater: Tenant, alice: User) -> None:
    for number in range(7):
        some_gateway(tidewater, alice, f"labels-{number}")
    answer = confirmed(alice).delete(f"/v1/tenants/{tidewater.pk}", if_match="*")
    document = assert_problem(answer, "tenant-in-use")
    assert "7 gateways are still there: labels-0, labels-1, labels-2, labels-3, labels-4, …" in document["detail"]


def phases(*gateways: FunctionGateway) -> list[str]:
    return [FunctionGateway.objects.get(pk=gateway.pk).phase for gateway in gateways]
