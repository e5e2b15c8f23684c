"""Addresses below /t/: who comes in, what they run in, and what is left when it goes wrong."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
import time_machine
from django.test import Client

from apps.accounts.models import User
from apps.core import clock
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests.tenants.world import join


@pytest.fixture(autouse=True)
def _small(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.tenants.small_urls"


def test_a_member_acts_in_their_role_inside_the_wall(client: Client, alice: User, tidewater: Tenant) -> None:
    client.force_login(alice)
    text = client.get("/t/tidewater/small").content.decode()
    assert text == f"owner {tidewater.pk} /t/tidewater/small / /t/tidewater/small/one/x"


@pytest.mark.parametrize("slug", ["tidewater", "nowhere"])
def test_others_find_nothing_whether_it_is_there_or_not(
    client: Client, charlie: User, tidewater: Tenant, hanbit: Tenant, slug: str
) -> None:
    client.force_login(charlie)
    response = client.get(f"/t/{slug}/small")
    assert response.status_code == 404
    assert "small" not in client.get("/v1/").content.decode()
    assert tidewater.name not in response.content.decode()


def test_an_operator_is_no_member(client: Client, operator: User, tidewater: Tenant) -> None:
    client.force_login(operator)
    assert client.get("/t/tidewater/small").status_code == 404


def test_strangers_are_sent_to_the_sign_in_and_back(client: Client, tidewater: Tenant) -> None:
    response = client.get("/t/tidewater/small?a=1")
    assert response.status_code == 302
    assert response["Location"].endswith("?next=/t/tidewater/small%3Fa%3D1")


def test_a_suspended_workspace_tells_its_people_why_and_shows_nothing(
    client: Client, alice: User, tidewater: Tenant
) -> None:
    Tenant.objects.update(suspended_at=clock.now(), suspended_because="Unpaid since May.")
    client.force_login(alice)
    response = client.get("/t/tidewater/small")
    assert response.status_code == 403
    assert "Unpaid since May." in response.content.decode()


@pytest.mark.parametrize("way", ["refuse", "raise", "break", "swallow"])
def test_what_is_refused_leaves_nothing_behind(client: Client, alice: User, tidewater: Tenant, way: str) -> None:
    client.force_login(alice)
    assert 400 <= client.get(f"/t/tidewater/small/rename-and-{way}").status_code < 500
    tidewater.refresh_from_db()
    assert tidewater.name == "Tidewater"


def test_what_fails_leaves_nothing_behind(client: Client, alice: User, tidewater: Tenant) -> None:
    client.raise_request_exception = False
    client.force_login(alice)
    assert client.get("/t/tidewater/small/rename-and-fail").status_code == 500
    tidewater.refresh_from_db()
    assert tidewater.name == "Tidewater"


def test_what_works_stays(client: Client, alice: User, tidewater: Tenant) -> None:
    client.force_login(alice)
    assert client.get("/t/tidewater/small/rename-and-go").status_code == 200
    tidewater.refresh_from_db()
    assert tidewater.name == "Renamed"


@pytest.mark.django_db(transaction=True)
def test_an_export_is_sent_inside_the_wall_too(client: Client, alice: User, tidewater: Tenant, hanbit: Tenant) -> None:
    client.force_login(alice)
    lines = b"".join(client.get("/t/tidewater/small/all").streaming_content).splitlines()
    assert {orjson.loads(line)["tenant"] for line in lines} == {tidewater.pk}
    assert Membership.objects.filter(tenant=hanbit).exists()


def test_a_visit_is_noted_at_most_once_a_minute(client: Client, alice: User, tidewater: Tenant) -> None:
    client.force_login(alice)
    seen = []
    start = clock.now()
    for seconds in (0, 30, 61):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            client.get("/t/tidewater/small")
        seen.append(Membership.objects.get(person=alice).last_seen_at)
    assert seen[0] == seen[1] < seen[2]


def test_the_next_request_isnt_in_the_workspace_of_the_one_before(
    client: Client, alice: User, tidewater: Tenant
) -> None:
    from apps.core.web.addresses import address

    client.force_login(alice)
    client.get("/t/tidewater/small")
    with pytest.raises(Exception, match="small"):
        address("small:here")
    assert address("small:here", within="hanbit") == "/t/hanbit/small"


def api(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_api_takes_the_only_workspace_there_is(alice: User, tidewater: Tenant, hanbit: Tenant) -> None:
    assert api(alice).get("/v1/where").json() == {"tenant": tidewater.pk, "role": "imp_tenant", "seen": 2}


def test_with_several_the_api_wants_to_know_which(alice: User, tidewater: Tenant, hanbit: Tenant) -> None:
    join(alice, hanbit, Role.VIEWER)
    refusal = api(alice).get("/v1/where")
    assert refusal.status_code == 400
    assert refusal.json()["type"].endswith("/errors/choose-tenant")
    assert refusal.json()["tenants"] == ["hanbit", "tidewater"]
    for name in (hanbit.pk, hanbit.slug):
        assert api(alice).get("/v1/where", headers={"Imp-Tenant": name}).json()["tenant"] == hanbit.pk


@pytest.mark.parametrize("name", ["hanbit", "nowhere"])
def test_the_api_finds_no_workspace_that_one_isnt_in(alice: User, tidewater: Tenant, hanbit: Tenant, name: str) -> None:
    assert api(alice).get("/v1/where", headers={"Imp-Tenant": name}).status_code == 404


def test_the_api_says_why_a_workspace_is_suspended(alice: User, tidewater: Tenant) -> None:
    Tenant.objects.update(suspended_at=clock.now(), suspended_because="Unpaid since May.")
    refusal = api(alice).get("/v1/where")
    assert refusal.status_code == 403
    assert refusal.json()["detail"] == "Unpaid since May."


def test_one_key_in_two_workspaces_isnt_answered_with_the_others_answer(
    alice: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    join(alice, hanbit, Role.VIEWER)
    first = api(alice).post("/v1/where", headers={"Imp-Tenant": "hanbit", "Idempotency-Key": "k-1"})
    second = api(alice).post("/v1/where", headers={"Imp-Tenant": "tidewater", "Idempotency-Key": "k-1"})
    assert first.json()["tenant"] == hanbit.pk
    assert second.status_code == 422
