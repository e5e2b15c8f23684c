"""/v1/me: whoever asks, and what they may change of themselves."""

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from tests.contracts.api import assert_problem
from tests.people import Api


def test_one_reads_oneself(alice: User, bob: User) -> None:
    found = Api(alice).get("/v1/me").json()
    assert (found["id"], found["email"], found["language"], found["theme"]) == (alice.pk, alice.email, "en", "system")
    assert "password" not in found
    assert_problem(Api().get("/v1/me"), "not-signed-in")


def test_one_changes_ones_preferences(alice: User) -> None:
    api = Api(alice)
    etag = api.get("/v1/me")["ETag"]
    response = api.patch("/v1/me", {"name": "Alice Kim", "language": "ko", "theme": "dark"}, if_match=etag)
    assert response.status_code == 200, response.content
    assert response["ETag"] != etag
    alice.refresh_from_db()
    assert (alice.name, alice.language, alice.theme) == ("Alice Kim", "ko", "dark")
    assert AuditEvent.objects.get(verb="account.preferences_changed").actor_id == alice.pk


def test_what_is_not_ones_own_to_change_is_refused(alice: User) -> None:
    api = Api(alice)
    etag = api.get("/v1/me")["ETag"]
    for body in ({"is_staff": True}, {"email": "x@y.example"}, {"language": "de"}, {"theme": None}):
        assert_problem(api.patch("/v1/me", body, if_match=etag), "invalid-input")
    assert_problem(api.patch("/v1/me", {"name": "x"}), "version-required")
    assert_problem(api.patch("/v1/me", {"name": "x"}, if_match='"0"'), "stale-version")
    alice.refresh_from_db()
    assert (alice.name, alice.is_staff) == ("Alice", False)
