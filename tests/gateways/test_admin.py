"""Gateways in the operators' admin: looked at without secrets, and mended by the services that the pages call."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.lifecycle.models import LifecycleEvent
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain, Stage
from apps.tenants.models import Tenant
from tests.gateways.world import ObedientCluster, converge, make_cluster, make_gateway
from tests.tenants.pages import as_

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = (FunctionGateway, RuntimeDomain, Stage, GatewayDatabase)


@pytest.fixture
def gateway(tidewater: Tenant) -> FunctionGateway:
    gateway = make_gateway(tidewater, make_cluster())
    converge(ObedientCluster())
    gateway.refresh_from_db()
    return gateway


def act(person: User, action: str, row: FunctionGateway, **answers: str) -> HttpResponse:
    data = {"action": action, "_selected_action": [row.pk], **answers}
    response: HttpResponse = as_(person).post("/admin/gateways/functiongateway/", data, follow=True)
    return response


@pytest.mark.parametrize("model", MODELS)
def test_lists_and_pages_show_it_without_what_is_secret(
    operator: User, gateway: FunctionGateway, model: type[Any]
) -> None:
    row, name = model._base_manager.first(), model._meta.model_name
    password = GatewayDatabase.objects.get().password.reveal()
    for path in (f"/admin/gateways/{name}/", f"/admin/gateways/{name}/{row.pk}/change/"):
        answer = as_(operator).get(path)
        assert answer.status_code == 200, path
        assert "Tidewater" in answer.content.decode(), path
        assert password not in answer.content.decode()
        assert "&#x27;started&#x27;" not in answer.content.decode(), "a label is a word, also on the page of one"


def test_timelines_are_found_by_their_gateway(operator: User, gateway: FunctionGateway) -> None:
    line = LifecycleEvent.objects.filter(subject_id=gateway.pk, step="database").get()
    text = as_(operator).get("/admin/core/lifecycleevent/", {"subject_id": gateway.pk}).content.decode()
    assert gateway.pk in text
    assert RuntimeDomain.objects.get().pk not in text
    assert "database" in as_(operator).get(f"/admin/core/lifecycleevent/{line.pk}/change/").content.decode()


def test_it_is_tried_again_and_its_lease_released(operator: User, gateway: FunctionGateway) -> None:
    assert "at rest" in act(operator, "retry_now", gateway).content.decode()
    soon = clock.now() + timedelta(minutes=5)
    FunctionGateway.objects.update(phase=Phase.STARTING, due_at=soon, leased_until=soon, fence=7)
    act(operator, "release_lease", gateway)
    gateway.refresh_from_db()
    assert (gateway.leased_until, gateway.fence) == (None, 8)
    FunctionGateway.objects.update(due_at=soon)
    act(operator, "retry_now", gateway)
    gateway.refresh_from_db()
    assert gateway.due_at is not None
    assert gateway.due_at < soon
    verbs = AuditEvent.objects.filter(target_id=gateway.pk).order_by("at").values_list("verb", flat=True)
    assert list(verbs) == ["gateway.lease_released", "gateway.retried"]


def test_a_phase_is_forced_by_system_administrators_with_a_reason(
    operator: User, yuna: User, gateway: FunctionGateway
) -> None:
    forced = {"answered": "1", "phase": Phase.STOPPED.value, "reason": "Lost in a restore."}
    act(operator, "force_phase", gateway, **forced)
    assert "Force a phase on parcel-tracking?" in act(yuna, "force_phase", gateway).content.decode()
    act(yuna, "force_phase", gateway, **{**forced, "reason": ""})
    gateway.refresh_from_db()
    assert gateway.phase == Phase.STARTED
    act(yuna, "force_phase", gateway, **forced)
    gateway.refresh_from_db()
    assert gateway.phase == Phase.STOPPED
    assert AuditEvent.objects.get(verb="gateway.phase_forced").actor_id == yuna.pk
