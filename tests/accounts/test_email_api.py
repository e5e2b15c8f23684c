"""/v1/me/email: another address over the API."""

from typing import Any

import pytest

from apps.accounts.models import MailedLink, User
from apps.accounts.selectors import pending_change
from apps.accounts.services.emails import confirm_email
from apps.accounts.sessions import confirmation
from tests.access.tokens import TokenApi, make_token
from tests.accounts.mailbox import mails_to
from tests.contracts.api import assert_problem
from tests.people import PASSWORD, Api

NEW = "alice@reyes.example"


@pytest.fixture
def confirmed(alice: User) -> Api:
    api = Api(alice)
    api.client.post("/account/confirm?next=/account", {"password": PASSWORD})
    return api


def test_a_session_confirms_first(alice: User) -> None:
    assert_problem(Api(alice).post("/v1/me/email", {"email": NEW}), confirmation.ConfirmFirst.slug)
    assert mails_to(NEW) == []


def test_the_new_address_waits_until_its_link_is_used(confirmed: Api, alice: User) -> None:
    quiet = {"email": alice.email, "pending_email": None, "pending_until": None}
    assert confirmed.get("/v1/me/email").json() == quiet
    asked: Any = confirmed.post("/v1/me/email", {"email": NEW})
    assert asked.status_code == 202
    assert (asked.json()["email"], asked.json()["pending_email"]) == (alice.email, NEW)
    assert asked.json()["pending_until"] is not None
    assert confirmed.get("/v1/me/email").json() == asked.json()
    confirm_email(link=MailedLink.objects.get())
    assert confirmed.get("/v1/me/email").json() == {**quiet, "email": NEW}


def test_one_keeps_the_address(confirmed: Api, alice: User) -> None:
    confirmed.post("/v1/me/email", {"email": NEW})
    assert confirmed.delete("/v1/me/email").status_code == 204
    assert pending_change(alice) is None
    assert_problem(confirmed.delete("/v1/me/email"), "conflict")


def test_what_is_no_address_or_ones_own_is_refused(confirmed: Api, alice: User) -> None:
    for body in ({}, {"email": "none"}, {"email": alice.email.upper()}, {"email": NEW, "name": "x"}):
        assert_problem(confirmed.post("/v1/me/email", body), "invalid-input")
    assert not MailedLink.objects.exists()


def test_strangers_get_nowhere(db: None) -> None:
    for answer in (Api().get("/v1/me/email"), Api().post("/v1/me/email", {"email": NEW})):
        assert_problem(answer, "not-signed-in")


def test_a_key_sent_twice_mails_one_link(confirmed: Api) -> None:
    for _ in range(2):
        confirmed.post("/v1/me/email", {"email": NEW}, idempotency_key="one-and-the-same")
    assert len(mails_to(NEW)) == 1


def test_no_token_changes_it(alice: User) -> None:
    """Whoever has the address has the account, by a forgotten password: more than any scope gives."""
    program = TokenApi(make_token(alice))
    assert_problem(program.post("/v1/me/email", {"email": NEW}), "token-too-narrow")
    assert mails_to(NEW) == []
    assert program.get("/v1/me/email").json()["pending_email"] is None
