"""What operators do on the fleet's pages: register, let in, revoke, hold back, send anew."""

import re

import pytest
from django.http import HttpResponse
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.fleet.models import Agent, Bundle, Cluster, RegistrationToken
from apps.tenants.models import Tenant
from tests.fleet.test_pages import words_of
from tests.fleet.world import make_agent, make_bundle, make_cluster
from tests.tenants.pages import IN_DIALOG, as_, confirmed_as

pytestmark = pytest.mark.django_db

REGISTER = "/fleet/register"
SEOUL = {"name": "seoul-a", "title": "Seoul", "region": "ap-northeast-2", "domain": "seoul.api.example"}


@pytest.fixture
def seoul() -> Cluster:
    cluster = make_cluster()
    make_agent(cluster, leads=True)
    return cluster


def address(name: str, row: Cluster | Agent) -> str:
    return reverse(f"fleet:{name}", args=[row.pk])


def token_in(response: HttpResponse) -> str:
    text = response.content.decode()
    start = text.index("imr_")
    return text[start : text.index("<", start)]


def everything() -> list[object]:
    return [list(model.objects.order_by("pk").values()) for model in (Cluster, Agent, RegistrationToken)]


@pytest.mark.parametrize("name", ["register", "token", "maintenance", "resume", "resync", "revoke"])
def test_nobody_else_may(alice: User, tidewater: Tenant, seoul: Cluster, name: str) -> None:
    path = REGISTER if name == "register" else address(name, Agent.objects.get() if name == "revoke" else seoul)
    before = everything()
    answer = confirmed_as(alice).post(path, {**SEOUL, "name": "seoul-b", "reason": "Because."})
    assert answer.status_code == 403
    assert "sre-operator" in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("name", ["register", "token"])
def test_a_token_is_given_to_who_has_just_shown_who_they_are(operator: User, seoul: Cluster, name: str) -> None:
    path = REGISTER if name == "register" else address(name, seoul)
    for answer in (as_(operator).get(path), as_(operator).post(path, SEOUL)):
        assert answer.headers["Location"].startswith("/account/confirm")
    assert not RegistrationToken.objects.exists()


def test_a_cluster_is_registered_and_its_token_shown_this_once(operator: User) -> None:
    client = confirmed_as(operator)
    answer = client.post(REGISTER, SEOUL)
    token = token_in(answer)
    text = answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert f"printf %s {token} &gt; agent-seoul-a/token" in text
    cluster = Cluster.objects.get(name="seoul-a")
    assert cluster.title == "Seoul"
    page = client.get(address("cluster", cluster)).content.decode()
    assert token not in page
    assert token[:12] not in page
    assert list(AuditEvent.objects.order_by("at").values_list("verb", flat=True)) == [
        "cluster.created",
        "agent.token_made",
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "Seoul A"}, "Use lower-case letters, digits and hyphens"),
        ({"name": "seoul-b"}, "There is a cluster of that name."),
        ({"name": ""}, "Give it a name."),
        ({"domain": "not a domain"}, "Write a domain of yours"),
    ],
)
def test_what_can_not_be_is_said_at_its_field_and_loses_nothing(
    operator: User, wrong: dict[str, str], said: str
) -> None:
    make_cluster("seoul-b")
    answer = confirmed_as(operator).post(REGISTER, {**SEOUL, **wrong})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert said in text
    assert 'value="ap-northeast-2"' in text
    assert Cluster.objects.count() == 1
    assert not RegistrationToken.objects.exists()


def test_another_agent_is_let_in_by_a_token_of_its_own(operator: User, seoul: Cluster) -> None:
    client = confirmed_as(operator)
    asked = client.get(address("token", seoul)).content.decode()
    assert "One agent, once, within 24 hours" in asked
    assert not RegistrationToken.objects.exists()
    assert token_in(client.post(address("token", seoul)))
    assert RegistrationToken.objects.get().cluster == seoul


def test_too_many_open_tokens_are_refused_with_the_way_out(operator: User, seoul: Cluster) -> None:
    client = confirmed_as(operator)
    for _ in range(20):
        assert client.post(address("token", seoul)).status_code == 200
    answer = client.post(address("token", seoul))
    assert answer.status_code == 409
    assert "Use or revoke one of them first." in answer.content.decode()


def test_the_dialog_names_what_revoking_does(operator: User, seoul: Cluster) -> None:
    agent = Agent.objects.get()
    shown = as_(operator).get(address("revoke", agent), headers=IN_DIALOG).content.decode()
    for part in (
        "Revoke agent-1 of seoul-a?",
        "cut off",
        "Nobody: it&#x27;s the only one that is connected",
        "Goes on",
    ):
        assert part in shown, part
    make_agent(seoul, "agent-2")
    assert "agent-2" in as_(operator).get(address("revoke", agent), headers=IN_DIALOG).content.decode()


def test_an_agent_is_revoked(operator: User, seoul: Cluster) -> None:
    agent = Agent.objects.get()
    answer = as_(operator).post(address("revoke", agent), headers=IN_DIALOG)
    assert answer.status_code == 204
    agent.refresh_from_db()
    assert agent.revoked_at
    assert (agent.session_id, agent.leads) == ("", False)
    text = words_of(operator, address("cluster", seoul))
    assert "No agent is left" in text
    assert "1 revoked" in text
    assert AuditEvent.objects.get(verb="agent.revoked").actor_id == operator.pk


def test_maintenance_needs_a_reason_is_shown_and_ends(operator: User, seoul: Cluster) -> None:
    client = as_(operator)
    assert client.post(address("maintenance", seoul), {"reason": " "}, headers=IN_DIALOG).status_code == 422
    assert client.post(address("maintenance", seoul), {"reason": "New disks"}, headers=IN_DIALOG).status_code == 204
    again = client.post(address("maintenance", seoul), {"reason": "Once more"}, headers=IN_DIALOG)
    assert again.status_code == 409
    assert "Once more" in again.content.decode()
    text = words_of(operator, address("cluster", seoul))
    assert re_find(text, "In maintenance since .*: New disks")
    assert "End the maintenance" in text
    assert "seoul-a maintenance" in words_of(operator, "/fleet")
    assert "New disks" in client.get(address("resume", seoul), headers=IN_DIALOG).content.decode()
    assert client.post(address("resume", seoul), headers=IN_DIALOG).status_code == 204
    seoul.refresh_from_db()
    assert not seoul.is_in_maintenance


def test_a_cluster_is_deleted_once_nothing_is_in_it(operator: User, seoul: Cluster) -> None:
    make_bundle(seoul, "gateway/gw_1/runtime")
    client = as_(operator)
    shown = client.get(address("delete", seoul), headers=IN_DIALOG).content.decode()
    assert "Delete seoul-a for good?" in shown
    assert "1 bundle. Delete what they belong to first." in shown
    full = client.post(address("delete", seoul), {"typed": "seoul-a"}, headers=IN_DIALOG)
    assert full.status_code == 409
    assert "Delete what is in it first" in full.content.decode()
    Bundle.objects.all().delete()
    assert client.post(address("delete", seoul), {"typed": "seoul"}, headers=IN_DIALOG).status_code == 422
    assert Cluster.objects.exists()
    assert Agent.objects.exists()
    gone = client.post(address("delete", seoul), {"typed": "seoul-a"}, headers=IN_DIALOG)
    assert gone.headers["HX-Redirect"] == "/fleet"
    assert not Cluster.objects.exists()
    assert AuditEvent.objects.get(verb="cluster.deleted").actor_id == operator.pk


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_everything_is_sent_anew(operator: User, seoul: Cluster, headers: dict[str, str]) -> None:
    answer = as_(operator).post(address("resync", seoul), headers=headers)
    assert answer.status_code == (204 if headers else 302)
    seoul.refresh_from_db()
    assert seoul.resyncs == 1
    assert as_(operator).get(address("resync", seoul)).status_code == 405


def re_find(text: str, pattern: str) -> bool:
    return re.search(pattern, text) is not None
