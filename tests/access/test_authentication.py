"""Coming in with a token: who is let in as whom, and everybody who isn't."""

import io
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.access import services, text
from apps.accounts.models import User
from apps.core import clock
from tests.access.tokens import TokenApi, make_token, text_of
from tests.contracts.api import assert_problem
from tests.core.keys import new_key
from tests.people import Api

ME = "/v1/me"


def test_a_token_is_its_person(alice: User) -> None:
    answer = TokenApi(make_token(alice)).get(ME)
    assert (answer.status_code, answer.json()["id"]) == (200, alice.pk)
    assert "sessionid" not in answer.cookies


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_the_scheme_is_read_in_any_case(alice: User, scheme: str) -> None:
    sent = text_of(make_token(alice))
    assert Api().get(ME, authorization=f"{scheme} {sent}").status_code == 200


def test_it_writes_without_a_csrf_token(alice: User) -> None:
    api = TokenApi(make_token(alice))
    api.client.handler.enforce_csrf_checks = True
    etag = api.get(ME)["ETag"]
    assert api.patch(ME, {"name": "Ada"}, if_match=etag).json()["name"] == "Ada"


def refused(sent: str, says: str) -> None:
    answer = TokenApi(sent).get(ME)
    problem = assert_problem(answer, "token-refused")
    assert says in problem["detail"], problem
    assert answer["WWW-Authenticate"] == 'Bearer realm="imp", error="invalid_token"'
    assert sent[16:] not in answer.content.decode() or len(sent) <= 16


def test_a_revoked_one_is_refused_at_once(alice: User) -> None:
    token = make_token(alice)
    assert TokenApi(token).get(ME).status_code == 200
    services.revoke_token(actor=alice, token=token)
    refused(text_of(token), "was revoked")


def test_one_that_has_ended_is_refused(alice: User) -> None:
    token = make_token(alice, days=7)
    with time_machine.travel(clock.now() + timedelta(days=7, seconds=1)):
        refused(text_of(token), "has ended")


def test_a_deactivated_persons_is_refused(alice: User) -> None:
    token = make_token(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    refused(text_of(token), "deactivated")


def test_one_that_nobody_has_is_refused(alice: User) -> None:
    token = make_token(alice)
    refused(text.new_text(), "no such token")
    # The same beginning, which is no secret
    body = text_of(token)[:-8] + ("x" if text_of(token)[-8] != "x" else "y")
    refused(f"{body}_{text.checksum(body)}", "no such token")


def test_what_is_no_token_is_refused_without_asking_the_database(alice: User) -> None:
    token = text_of(make_token(alice))
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    with CaptureQueriesContext(connection) as queries:
        refused(wrong, "isn't an access token")
        refused("eyJhbGciOiJub25lIn0.e30.", "isn't an access token")
        refused("", "isn't an access token")
        refused("imp_pat_🙂", "isn't an access token")
    assert not queries.captured_queries


def test_another_scheme_is_no_token(alice: User) -> None:
    assert_problem(Api().get(ME, authorization="Basic YTpi"), "not-signed-in")
    assert Api(alice).get(ME, authorization="Basic YTpi").status_code == 200


def test_a_session_does_not_make_up_for_a_refused_token(alice: User) -> None:
    assert_problem(Api(alice).get(ME, authorization=f"Bearer {text.new_text()}"), "token-refused")


def test_a_token_goes_before_the_session(alice: User, bob: User) -> None:
    sent = text_of(make_token(bob))
    assert Api(alice).get(ME, authorization=f"Bearer {sent}").json()["id"] == bob.pk


def test_pages_know_no_tokens(alice: User) -> None:
    answer = TokenApi(make_token(alice)).get("/account")
    assert answer.status_code == 302
    assert "/sign-in" in answer["Location"]


def test_reading_asks_for_the_token_once_and_nothing_else_about_it(alice: User) -> None:
    api = TokenApi(make_token(alice))
    api.get(ME)
    with CaptureQueriesContext(connection) as queries:
        api.get(ME)
    about = [query["sql"] for query in queries.captured_queries if "access_accesstoken" in query["sql"]]
    assert len(about) == 1, about


def test_last_used_is_written_once_a_minute(alice: User) -> None:
    token = make_token(alice)
    api = TokenApi(token)
    start = clock.now()
    with time_machine.travel(start, tick=False) as traveller:
        api.client.get(ME, REMOTE_ADDR="203.0.113.7")
        token.refresh_from_db()
        assert (token.last_used_at, token.last_used_address) == (start, "203.0.113.7")
        traveller.shift(59)
        api.client.get(ME, REMOTE_ADDR="203.0.113.8")
        token.refresh_from_db()
        assert (token.last_used_at, token.last_used_address) == (start, "203.0.113.7")
        traveller.shift(2)
        api.client.get(ME, REMOTE_ADDR="203.0.113.8")
        token.refresh_from_db()
        assert token.last_used_address == "203.0.113.8"


def test_a_refused_one_was_not_used(alice: User) -> None:
    token = make_token(alice)
    services.revoke_token(actor=alice, token=token)
    TokenApi(token).get(ME)
    token.refresh_from_db()
    assert token.last_used_at is None


def test_whoever_tries_tokens_is_stopped(alice: User, settings: Any) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "api:anonymous": "3/hour"}
    mine = make_token(alice)
    for _ in range(3):
        refused(text.new_text(), "no such token")
    stopped = TokenApi(text.new_text()).get(ME)
    assert_problem(stopped, "too-many-requests")
    assert int(stopped["Retry-After"]) > 0
    assert TokenApi(mine).get(ME).status_code == 200


def test_each_token_has_a_limit_of_its_own(alice: User, settings: Any) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "api": "2/hour"}
    busy, other = make_token(alice), make_token(alice)
    statuses = [TokenApi(busy).get(ME).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert TokenApi(other).get(ME).status_code == 200
    assert Api(alice).get(ME).status_code == 200


def test_a_new_encryption_key_keeps_tokens_that_are_used(alice: User, settings: Any) -> None:
    old, new = new_key("old"), new_key("new")
    settings.ENCRYPTION_KEYS = old
    used, unused = make_token(alice), make_token(alice)
    settings.ENCRYPTION_KEYS = f"{new},{old}"
    assert TokenApi(used).get(ME).status_code == 200
    settings.ENCRYPTION_KEYS = new
    assert TokenApi(used).get(ME).status_code == 200
    refused(text_of(unused), "no such token")


def test_it_is_told_how_many_would_end_with_an_old_key(alice: User, settings: Any) -> None:
    def told() -> str:
        said = io.StringIO()
        call_command("reencrypt", "--check", stdout=said)
        return said.getvalue()

    old, new = new_key("old"), new_key("new")
    settings.ENCRYPTION_KEYS = old
    used, _unused, ended = make_token(alice), make_token(alice), make_token(alice)
    services.revoke_token(actor=alice, token=ended)
    assert "Access tokens, hashed: 2 under old\n" in told()
    assert "used next" not in told()
    settings.ENCRYPTION_KEYS = f"{new},{old}"
    assert "Access tokens, hashed: 2 under old\n2 hashes move" in told()
    TokenApi(used).get(ME)
    assert "Access tokens, hashed: 1 under new, 1 under old\n1 hashes move" in told()


def test_logs_hold_no_token(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    token = text_of(make_token(alice))
    caplog.set_level(0)
    TokenApi(token).get(ME)
    TokenApi(token[:-1]).get(ME)
    assert token[16:40] not in caplog.text
