"""One query finds session and person; who is let in is decided as Django decides it."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Session, User
from apps.accounts.sessions.store import SessionStore, stored_key
from apps.core import clock


@pytest.fixture
def signed_in(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def who(client: Client) -> str | None:
    """Whose session it is, as the API says it."""
    answer = client.get("/v1/me")
    return answer.json()["id"] if answer.status_code == 200 else None


def cookie(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def row_of(client: Client) -> Session:
    return Session.objects.get(session_key=stored_key(cookie(client)))


def change(client: Client, name: str, value: Any) -> None:
    session = client.session
    session[name] = value
    session.save()


def test_a_session_knows_its_person(alice, signed_in):
    assert who(signed_in) == alice.pk
    assert row_of(signed_in).person == alice


def test_one_query_finds_both(signed_in):
    with CaptureQueriesContext(connection) as queries:
        assert signed_in.get("/v1/sessions").status_code == 200
    assert ["accounts_user" in each["sql"] for each in queries] == [True, False]


def test_a_visitor_costs_no_query(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert who(Client()) is None


def test_the_column_alone_lets_nobody_in(alice, bob, signed_in):
    Session.objects.update(person=bob)
    assert who(signed_in) == alice.pk
    stranger = Client()
    change(stranger, "seen", True)
    Session.objects.filter(session_key=stored_key(cookie(stranger))).update(person=bob)
    assert who(stranger) is None


def test_the_column_may_be_missing(alice, signed_in):
    Session.objects.update(person=None)
    assert who(signed_in) == alice.pk


def test_someone_inactive_is_nobody(alice, signed_in):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert who(signed_in) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (HASH_SESSION_KEY, "0" * 64),
        (HASH_SESSION_KEY, ""),
        (BACKEND_SESSION_KEY, "django.contrib.auth.backends.AllowAllUsersModelBackend"),
        (SESSION_KEY, "usr_unknown"),
    ],
)
def test_a_session_that_does_not_hold_together_is_nobodys(signed_in, name, value):
    change(signed_in, name, value)
    assert who(signed_in) is None


def test_another_persons_id_in_the_data_does_not_pass_the_hash(bob, signed_in):
    change(signed_in, SESSION_KEY, bob.pk)
    assert who(signed_in) is None


def test_a_changed_password_ends_the_session(alice, signed_in):
    alice.set_password("another-tide-4712")
    alice.save()
    assert who(signed_in) is None
    assert not Session.objects.filter(session_key=stored_key(cookie(signed_in))).exists()


def test_a_new_secret_key_keeps_those_signed_in_with_the_one_before(alice, signed_in, settings):
    before = cookie(signed_in)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "not-secret-and-newer", [settings.SECRET_KEY]
    assert who(signed_in) == alice.pk
    assert cookie(signed_in) != before
    settings.SECRET_KEY_FALLBACKS = []
    assert who(signed_in) == alice.pk
    assert Session.objects.get().person == alice


def test_a_dropped_secret_key_ends_the_session(signed_in, settings):
    settings.SECRET_KEY = "not-secret-and-newer"
    assert who(signed_in) is None


def test_signing_in_as_somebody_else_leaves_nothing_of_the_first(alice, bob, signed_in):
    before = cookie(signed_in)
    signed_in.force_login(bob)
    assert who(signed_in) == bob.pk
    assert cookie(signed_in) != before
    assert [each.person for each in Session.objects.all()] == [bob]


def test_sessions_go_with_their_person(alice, signed_in):
    alice.delete()
    assert who(signed_in) is None
    assert not Session.objects.exists()


def test_a_session_that_outlived_its_person_is_nobodys(alice, signed_in):
    User.objects.filter(pk=alice.pk)._raw_delete("default")
    assert who(signed_in) is None


def test_what_expired_is_nobodys_and_can_be_cleared(signed_in):
    Session.objects.update(expire_date=clock.now() - timedelta(seconds=1))
    assert who(signed_in) is None
    call_command("clearsessions")
    assert not Session.objects.exists()


@pytest.mark.parametrize("debug", [False, True])
def test_without_the_database_pages_and_programs_are_told_to_come_back(
    signed_in: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    def refuse(self: Any) -> None:
        raise OperationalError("the connection is lost")

    settings.DEBUG = debug
    monkeypatch.setattr(SessionStore, "load", refuse)
    signed_in.raise_request_exception = False
    page, program = signed_in.get("/audit"), signed_in.get("/v1/me")
    assert (page.status_code, program.status_code) == (503, 503)
    assert b"Traceback" not in page.content
    assert program["Content-Type"] == "application/problem+json"
    assert program.json()["type"].endswith("/errors/unavailable")
