"""`/v1/access-tokens`: one's own tokens, made, read, revoked and put away by programs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from apps.access.models import AccessToken
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.api.models import IdempotencyKey
from apps.tenants.models import Tenant
from tests.access.tokens import TokenApi, confirmed, make_token
from tests.contracts.api import ReadContract, assert_problem
from tests.people import Api

URL = "/v1/access-tokens"


def body(**changed: Any) -> dict[str, Any]:
    expires_at = (clock.now() + timedelta(days=7)).isoformat()
    return {"name": "nightly export", "scopes": ["account:read"], "expires_at": expires_at, **changed}


class TestTokensApi(ReadContract):
    """Nobody reads another person's, so bob is a stranger here like charlie."""

    url = URL
    model = AccessToken
    narrowing = {"q": "token 1"}

    def make(self, alice: User, bob: User, count: int = 1) -> list[AccessToken]:
        return [make_token(alice, name=f"token {number}") for number in range(count)]

    def test_owner_and_reader_see_it_and_others_do_not(self, alice: User, bob: User, charlie: User) -> None:
        row = self.one(alice, bob)
        for person in (bob, charlie):
            assert Api(person).get(URL).json()["items"] == []
            assert_problem(Api(person).get(f"{URL}/{row.pk}"), "not-found")
            assert_problem(Api(person).post(f"{URL}/{row.pk}/revoke"), "not-found")
            assert_problem(Api(person).delete(f"{URL}/{row.pk}", if_match="*"), "not-found")
        assert AccessToken.objects.get(pk=row.pk).state == AccessToken.State.ACTIVE


def test_the_state_is_filtered_by(alice: User) -> None:
    active, ended, revoked = (make_token(alice) for _ in range(3))
    AccessToken.objects.filter(pk=ended.pk).update(expires_at=clock.now())
    AccessToken.objects.filter(pk=revoked.pk).update(expires_at=clock.now(), revoked_at=clock.now())
    for state, token in (("active", active), ("ended", ended), ("revoked", revoked)):
        items = Api(alice).get(URL, {"state": state}).json()["items"]
        assert [item["id"] for item in items] == [token.pk], state
    assert_problem(Api(alice).get(URL, {"state": "lost"}), "invalid-input")


def test_the_workspace_is_filtered_by(alice: User, tidewater: Tenant) -> None:
    bound = make_token(alice, "functions:read", tenant=tidewater)
    make_token(alice)
    items = Api(alice).get(URL, {"tenant": tidewater.pk}).json()["items"]
    assert [item["id"] for item in items] == [bound.pk]
    assert items[0]["tenant"] == tidewater.pk


def test_a_session_that_has_just_confirmed_makes_one_which_works(alice: User, tidewater: Tenant) -> None:
    api = confirmed(alice)
    answer = api.post(URL, body(tenant="tidewater", scopes=["functions:write"]))
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made["scopes"] == ["functions:read", "functions:write"]
    assert made["tenant"] == tidewater.pk
    assert TokenApi(made["token"]).get(f"{URL}/self").json()["id"] == made["id"]
    assert answer["Cache-Control"] == "no-store"


def test_a_session_that_has_not_confirmed_makes_none(alice: User) -> None:
    assert_problem(Api(alice).post(URL, body()), "confirm-first")
    assert not AccessToken.objects.exists()


def test_the_text_is_shown_by_the_create_and_never_again(alice: User) -> None:
    made = confirmed(alice).post(URL, body()).json()
    for path in (URL, f"{URL}/{made['id']}"):
        shown = Api(alice).get(path).content.decode()
        assert made["start"] in shown
        assert made["token"][16:] not in shown
        assert "token_hash" not in shown
    revoked = Api(alice).post(f"{URL}/{made['id']}/revoke")
    assert "token" not in revoked.json()


def test_the_answer_that_is_kept_for_a_repeat_is_sealed(alice: User) -> None:
    api = confirmed(alice)
    sent = body()
    first, second = (api.post(URL, sent, idempotency_key="k") for _ in range(2))
    assert second["Idempotency-Replayed"] == "true"
    assert second.json() == first.json()
    assert AccessToken.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM core_idempotencykey")
        kept = bytes(cursor.fetchone()[0])
    assert kept
    assert first.json()["token"].encode()[16:] not in kept


def test_another_credential_does_not_get_the_kept_answer(alice: User) -> None:
    wide, small = make_token(alice, "account:write", "functions:read"), make_token(alice, "account:write")
    sent = body(scopes=["functions:read"])
    assert TokenApi(wide).post(URL, sent, idempotency_key="k").status_code == 201
    for other in (TokenApi(small), confirmed(alice)):
        assert_problem(other.post(URL, sent, idempotency_key="k"), "idempotency-key-reused")
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 81}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["fleet:write"]}, "/scopes/0"),
        ({"scopes": "account:read"}, "/scopes"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"expires_at": "2020-01-31T00:00:00Z"}, "/expires_at"),
        ({"expires_at": None}, "/expires_at"),
        ({"tenant": "hanbit"}, "/tenant"),
        ({"token": "imp_pat_mine"}, "/token"),
    ],
)
def test_a_wrong_body_makes_nothing_and_says_where(
    alice: User, hanbit: Tenant, changed: dict[str, Any], path: str
) -> None:
    problem = assert_problem(confirmed(alice).post(URL, body(**changed)), "invalid-input")
    assert path in [error["path"] for error in problem["errors"]], problem
    assert not AccessToken.objects.exists()


def test_a_token_makes_a_smaller_one_and_no_larger(alice: User) -> None:
    api = TokenApi(make_token(alice, "account:write", "functions:read"))
    assert api.post(URL, body(scopes=["functions:read"])).status_code == 201
    problem = assert_problem(api.post(URL, body(scopes=["functions:write"])), "token-too-narrow")
    assert problem["scope"] == "functions:write"
    later = (clock.now() + timedelta(days=90)).isoformat()
    assert_problem(api.post(URL, body(expires_at=later)), "invalid-input")
    assert AccessToken.objects.count() == 2


def test_a_token_without_the_scope_makes_none(alice: User) -> None:
    answer = TokenApi(make_token(alice, "account:read")).post(URL, body())
    assert assert_problem(answer, "token-too-narrow")["scope"] == "account:write"


def test_self_is_the_token_that_asks_and_needs_no_scope(alice: User, tidewater: Tenant) -> None:
    token = make_token(alice, "functions:read", tenant=tidewater)
    make_token(alice)
    shown = TokenApi(token).get(f"{URL}/self").json()
    assert (shown["id"], shown["tenant"]) == (token.pk, tidewater.pk)
    assert_problem(TokenApi(token).get(URL), "token-too-narrow")
    assert_problem(TokenApi(token).get(f"{URL}/{token.pk}"), "token-too-narrow")
    assert_problem(Api(alice).get(f"{URL}/self"), "not-found")


def test_a_token_ends_itself(alice: User, tidewater: Tenant) -> None:
    api = TokenApi(make_token(alice, "functions:read", tenant=tidewater))
    answer = api.post(f"{URL}/self/revoke")
    assert answer.status_code == 200, answer.content
    assert answer.json()["revoked_at"]
    assert_problem(api.get(f"{URL}/self"), "token-refused")


def test_self_is_no_way_to_other_tokens_or_to_make_one(alice: User) -> None:
    api = TokenApi(make_token(alice, "functions:read"))
    other = make_token(alice)
    assert_problem(api.post(f"{URL}/{other.pk}/revoke"), "token-too-narrow")
    assert_problem(api.post(URL, body()), "token-too-narrow")
    assert_problem(api.delete(f"{URL}/self", if_match="*"), "conflict")


def test_revoking_twice_is_told(alice: User) -> None:
    path = f"{URL}/{make_token(alice).pk}/revoke"
    assert Api(alice).post(path).status_code == 200
    assert_problem(Api(alice).post(path), "conflict")


def test_revoking_is_repeated_safely(alice: User) -> None:
    path = f"{URL}/{make_token(alice).pk}/revoke"
    first, second = (Api(alice).post(path, idempotency_key="k") for _ in range(2))
    assert (second.status_code, second.content) == (200, first.content)


def test_what_is_over_is_put_away(alice: User) -> None:
    token = make_token(alice)
    path = f"{URL}/{token.pk}"
    assert_problem(Api(alice).delete(path), "version-required")
    assert_problem(Api(alice).delete(path, if_match='"stale"'), "stale-version")
    assert_problem(Api(alice).delete(path, if_match="*"), "conflict")
    Api(alice).post(f"{path}/revoke")
    assert Api(alice).delete(path, if_match=Api(alice).get(path)["ETag"]).status_code == 204
    assert_problem(Api(alice).get(path), "not-found")


def test_an_operator_does_not_read_peoples_tokens_here(alice: User, operator: User) -> None:
    token = make_token(alice)
    assert Api(operator).get(URL).json()["items"] == []
    assert_problem(Api(operator).get(f"{URL}/{token.pk}"), "not-found")


def test_the_log_says_with_which_token_something_was_done(alice: User, client: Any) -> None:
    token = make_token(alice, name="release-bot")
    etag = TokenApi(token).get("/v1/me")["ETag"]
    assert TokenApi(token).patch("/v1/me", {"theme": "dark"}, if_match=etag).status_code == 200
    by_token = AuditEvent.objects.filter(verb="account.preferences_changed").get()
    assert (by_token.token_id, by_token.token_label) == (token.pk, "release-bot")
    client.force_login(alice)
    assert "token release-bot, 127.0.0.1" in client.get("/audit").content.decode()
    # The next request of the same process came without one
    assert Api(alice).patch("/v1/me", {"theme": "light"}, if_match="*").status_code == 200
    by_session = AuditEvent.objects.filter(verb="account.preferences_changed").exclude(pk=by_token.pk).get()
    assert (by_session.token_id, by_session.token_label) == ("", "")
