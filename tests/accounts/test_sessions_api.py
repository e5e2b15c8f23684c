"""/v1/sessions and what else of one's account programs may read."""

import pytest
import time_machine

from apps.accounts import services
from apps.accounts.models import Session, User
from apps.audit.models import AuditEvent
from apps.core import context
from tests.accounts.browsers import FIREFOX, client_of
from tests.contracts.api import assert_problem
from tests.people import PASSWORD, Api

pytestmark = pytest.mark.django_db


def another(person: User) -> Session:
    client_of(FIREFOX).post("/sign-in", {"login": person.email, "password": PASSWORD})
    return Session.objects.get(user_agent=FIREFOX, person=person)


def test_one_lists_ones_own_sessions(alice, bob):
    api, theirs = Api(alice), another(bob)
    there = another(alice)
    items = api.get("/v1/sessions").json()["items"]
    assert {item["id"] for item in items} == set(Session.objects.filter(person=alice).values_list("pk", flat=True))
    assert theirs.pk not in [item["id"] for item in items]
    mine, other = sorted(items, key=lambda item: not item["is_current"])
    assert (mine["is_current"], other["is_current"]) == (True, False)
    assert (other["id"], other["browser"]) == (there.pk, "Firefox 144 on Windows")
    assert set(other) == {
        "id", "browser", "address", "signed_in_at", "last_seen_at", "expires_at", "is_current", "is_unfamiliar",
    }  # fmt: skip
    assert api.get(f"/v1/sessions/{there.pk}").json() == other


def test_a_list_is_walked_to_the_end(alice):
    for _ in range(4):
        client_of(FIREFOX).post("/sign-in", {"login": alice.email, "password": PASSWORD})
    api, seen, cursor = Api(alice), [], None
    while True:
        page = api.get("/v1/sessions", {"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["id"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert len(seen) == len(set(seen)) == 5


def test_somebody_elses_session_is_not_there(alice, bob):
    theirs = another(bob)
    api = Api(alice)
    assert_problem(api.get(f"/v1/sessions/{theirs.pk}"), "not-found")
    assert_problem(api.post(f"/v1/sessions/{theirs.pk}/revoke"), "not-found")
    assert Session.objects.filter(pk=theirs.pk).exists()


def test_strangers_are_told_to_sign_in(alice):
    there = another(alice)
    for answer in (
        Api().get("/v1/sessions"),
        Api().get("/v1/me/data"),
        Api().post(f"/v1/sessions/{there.pk}/revoke"),
        Api().post("/v1/sessions/revoke-others"),
    ):
        assert_problem(answer, "not-signed-in")
    assert Session.objects.filter(pk=there.pk).exists()


def test_a_session_is_revoked(alice):
    api, there = Api(alice), another(alice)
    answer = api.post(f"/v1/sessions/{there.pk}/revoke")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Session.objects.filter(pk=there.pk).exists()
    assert_problem(api.post(f"/v1/sessions/{there.pk}/revoke"), "not-found")
    assert AuditEvent.objects.get(verb="account.session_revoked").actor_id == alice.pk


def test_a_revocation_sent_twice_revokes_once(alice):
    api, there = Api(alice), another(alice)
    first, second = (api.post(f"/v1/sessions/{there.pk}/revoke", idempotency_key="k") for _ in range(2))
    assert (first.status_code, second.status_code) == (204, 204)
    assert second["Idempotency-Replayed"] == "true"


def test_all_others_are_revoked_after_a_confirmation(alice):
    api, there = Api(alice), another(alice)
    assert_problem(api.post("/v1/sessions/revoke-others"), "confirm-first")
    assert Session.objects.filter(pk=there.pk).exists()
    api.client.post("/account/confirm", {"password": PASSWORD})
    assert api.post("/v1/sessions/revoke-others").json() == {"ended": 1}
    assert [item["is_current"] for item in api.get("/v1/sessions").json()["items"]] == [True]


def test_one_takes_ones_data_along(alice):
    taken = Api(alice).get("/v1/me/data").json()
    assert taken["profile"]["email"] == alice.email
    assert len(taken["sessions"]) == 1
    assert alice.password not in str(taken)
    assert AuditEvent.objects.get(verb="account.data_taken").actor_id == alice.pk


def taken() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(verb="account.data_taken").order_by("at", "id"))


def test_asking_what_there_would_be_hands_nothing_over(alice):
    api = Api(alice)
    told = api.client.head("/v1/me/data")
    assert (told.status_code, told.content, taken()) == (200, b"", [])
    read = api.get("/v1/me/data")
    assert {**told.headers, "X-Request-Id": ""}.keys() == {**read.headers, "X-Request-Id": ""}.keys()
    assert len(taken()) == 1


def test_a_repeated_request_is_the_same_handing_over_for_a_minute(alice):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        api = Api(alice)
        for seconds, events in ((0, 1), (59, 1), (2, 2)):
            clock.shift(seconds)
            assert api.get("/v1/me/data").json()["profile"]["email"] == alice.email
            assert len(taken()) == events


def test_from_elsewhere_it_is_another_handing_over(alice):
    here, there = Api(alice), Api(alice)
    here.get("/v1/me/data")
    there.client.defaults["REMOTE_ADDR"] = "203.0.113.9"
    there.get("/v1/me/data")
    here.get("/v1/me/data")
    assert [event.address for event in taken()] == ["127.0.0.1", "203.0.113.9", "127.0.0.1"]


def test_with_another_token_it_is_another_handing_over(alice):
    for name in ("laptop", "laptop", "phone"):
        with context.bound(address="198.51.100.1", token_id=f"tok_{name}", token=name):
            services.take_data(actor=alice)
    assert [event.token_label for event in taken()] == ["laptop", "phone"]


def test_the_time_zone_is_a_preference_like_the_others(alice):
    api = Api(alice)
    etag = api.get("/v1/me")["ETag"]
    assert api.patch("/v1/me", {"time_zone": "Asia/Seoul"}, if_match=etag).json()["time_zone"] == "Asia/Seoul"
    for wrong in ("Mars/Olympus", "", "Asia/../Seoul", "EST5EDT"):
        assert_problem(api.patch("/v1/me", {"time_zone": wrong}, if_match="*"), "invalid-input")
