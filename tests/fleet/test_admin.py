"""The fleet in the operators' admin: looked at without secrets, and changed by the services that the pages call."""

from typing import Any

import pytest
from django.http import HttpResponse

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.fleet.models import Agent, Bundle, Cluster, RegistrationToken
from apps.fleet.services.agents import make_registration_token
from tests.fleet.world import make_agent, make_bundle, make_cluster
from tests.tenants.pages import as_

pytestmark = pytest.mark.django_db

LISTS = ("cluster", "agent", "registrationtoken", "bundle")


@pytest.fixture
def seoul(operator: User) -> Cluster:
    cluster = make_cluster()
    make_agent(cluster, leads=True)
    make_bundle(cluster, "gateway/gw_1/configuration")
    make_registration_token(actor=operator, cluster=cluster)
    return cluster


def act(person: User, model: str, action: str, *rows: Any, **answers: str) -> HttpResponse:
    """As the list's form sends it, followed to the page that says what came of it."""
    data: dict[str, Any] = {"action": action, "_selected_action": [row.pk for row in rows], **answers}
    response: HttpResponse = as_(person).post(f"/admin/fleet/{model}/", data, follow=True)
    return response


@pytest.mark.parametrize("model", LISTS)
def test_lists_and_pages_show_it_without_what_is_secret(operator: User, seoul: Cluster, model: str) -> None:
    row = {"cluster": Cluster, "agent": Agent, "registrationtoken": RegistrationToken, "bundle": Bundle}[model]
    found: Any = row._base_manager.get()
    hidden = ["hunter2", RegistrationToken.objects.get().token_hash]
    for path in (f"/admin/fleet/{model}/", f"/admin/fleet/{model}/{found.pk}/change/"):
        answer = as_(operator).get(path)
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "seoul-a" in text, path
        assert not [secret for secret in hidden if secret in text]


def test_the_fleet_has_a_part_of_the_menu(operator: User) -> None:
    text = as_(operator).get("/admin/").content.decode()
    for name in ("Fleet", "Clusters", "Agents", "Registration tokens", "Bundles", "Timelines", "Databases"):
        assert name in text, name


def test_a_cluster_is_drained_with_a_reason_and_takes_changes_again(operator: User, seoul: Cluster) -> None:
    asked = act(operator, "cluster", "drain", seoul).content.decode()
    assert "Put seoul-a in maintenance?" in asked
    assert act(operator, "cluster", "drain", seoul, answered="1", reason=" ").status_code == 200
    seoul.refresh_from_db()
    assert not seoul.is_in_maintenance
    act(operator, "cluster", "drain", seoul, answered="1", reason="New disks")
    seoul.refresh_from_db()
    assert (seoul.is_in_maintenance, seoul.maintenance_because) == (True, "New disks")
    act(operator, "cluster", "resume", seoul)
    seoul.refresh_from_db()
    assert not seoul.is_in_maintenance
    refused = act(operator, "cluster", "resume", seoul).content.decode()
    assert "in maintenance." in refused
    act(operator, "cluster", "resync", seoul)
    seoul.refresh_from_db()
    assert seoul.resyncs == 1
    verbs = AuditEvent.objects.filter(target_id=seoul.pk).order_by("at").values_list("verb", flat=True)
    assert list(verbs) == ["cluster.maintenance_began", "cluster.maintenance_ended", "cluster.resynced"]


def test_an_agent_is_revoked_after_a_question(operator: User, seoul: Cluster) -> None:
    agent = Agent.objects.get()
    assert "Traffic goes on" in act(operator, "agent", "revoke", agent).content.decode()
    agent.refresh_from_db()
    assert not agent.revoked_at
    act(operator, "agent", "revoke", agent, answered="1")
    agent.refresh_from_db()
    assert agent.revoked_at
    assert AuditEvent.objects.filter(verb="agent.revoked", actor_id=operator.pk).exists()


def test_a_token_that_nobody_used_is_revoked(operator: User, seoul: Cluster) -> None:
    token = RegistrationToken.objects.get()
    act(operator, "registrationtoken", "revoke", token)
    token.refresh_from_db()
    assert token.revoked_at


def test_presence_narrows_the_list(operator: User, seoul: Cluster) -> None:
    make_agent(seoul, "agent-of-old", is_there=False)
    for presence, name in (("leads", "agent-1"), ("lost", "agent-of-old")):
        text = as_(operator).get("/admin/fleet/agent/", {"presence": presence}).content.decode()
        assert [each for each in ("agent-1<", "agent-of-old<") if each in text] == [f"{name}<"]
