"""Taking one's data along, and deleting one's account."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from apps.accounts import departures, services
from apps.accounts.models import Session, User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.core.mail.models import OutgoingMail
from tests.accounts.browsers import client_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_session_store import is_signed_in, sign_in
from tests.contracts.service import ServiceContract

pytestmark = pytest.mark.django_db

REASON = "You're the last owner of Tidewater Freight. Make someone else an owner first."


@pytest.fixture
def here(mina: User) -> Client:
    return sign_in(client_of(), mina)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(departures, "_departures", [])
    monkeypatch.setattr(departures, "_belongings", {})


# --- One's data ------------------------------------------------------------------------------------


def take(client: Client) -> dict:
    answer = client.post("/account/data")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"].startswith('attachment; filename="imp-account-')
    assert "no-store" in answer["Cache-Control"]
    return json.loads(b"".join(answer.streaming_content))


def test_ones_data_is_one_file(here, mina, registered):
    departures.register_belongings("tokens", lambda person: [{"name": f"CLI of {person.email}"}])
    taken = take(here)
    assert taken["profile"]["email"] == mina.email
    assert [session["browser"] for session in taken["sessions"]] == ["Chrome 141 on macOS"]
    assert taken["tokens"] == [{"name": f"CLI of {mina.email}"}]
    assert [event["verb"] for event in taken["history"]] == ["account.data_taken", "account.signed_in"]


def test_nothing_secret_and_nothing_of_others_is_in_it(browser, mina, secret):
    other = User.objects.create_user("other@tidewater.example", PASSWORD)
    sign_in(client_of(), other)
    text = json.dumps(take(browser))
    assert other.email not in text
    mina.refresh_from_db()
    for kept in (mina.password, secret, Session.objects.filter(person=mina)[0].session_key):
        assert kept not in text
    assert json.loads(text)["second_factor"]["codes_left"] == 10


def test_taking_it_is_written_down_and_takes_a_post(here, mina):
    assert here.get("/account/data").status_code == 405
    assert not AuditEvent.objects.filter(verb="account.data_taken").exists()
    take(here)
    assert AuditEvent.objects.get(verb="account.data_taken").target_id == mina.pk


def test_a_stranger_has_none(client, db):
    assert client.post("/account/data")["Location"] == "/sign-in?next=/account/data"


# --- Deleting --------------------------------------------------------------------------------------


def confirm(client: Client) -> None:
    assert client.post("/account/confirm", {"password": PASSWORD}).status_code == 302


def test_an_account_is_deleted_with_all_that_hangs_on_it(browser, mina, secret):
    confirm(browser)
    page = browser.get("/account/delete").content.decode()
    assert f"Type {mina.email} to go on" in page
    answer = browser.post("/account/delete", {"typed": mina.email}, follow=True)
    assert answer.redirect_chain == [("/sign-in", 302)]
    assert "Your account is deleted" in answer.content.decode()
    assert not is_signed_in(browser)
    for model in (User, Session, Authenticator):
        assert not model._base_manager.filter(**({"pk": mina.pk} if model is User else {})).exists()
    event = AuditEvent.objects.get(verb="account.deleted")
    assert (event.actor_id, event.target_id, event.target_label) == (mina.pk, mina.pk, "Mina")
    assert Client().post("/sign-in", {"login": mina.email, "password": PASSWORD}).status_code == 422
    mail = OutgoingMail.objects.get(to=mina.email, template="account_deleted")
    assert mail.subject == "Your account is deleted"


def test_it_asks_first_who_it_is_and_for_the_address(here, mina):
    assert here.get("/account/delete")["Location"] == "/account/confirm?next=/account/delete"
    assert here.post("/account/delete", {"typed": mina.email}).status_code == 302
    confirm(here)
    for typed in ("", "mina", mina.email.upper()):
        assert here.post("/account/delete", {"typed": typed}).status_code == 422
    assert User.objects.filter(pk=mina.pk).exists()
    assert is_signed_in(here)


def test_what_has_to_be_settled_first_is_told_and_keeps_the_account(here, mina, registered):
    cleaned = []
    departures.register_departure(lambda person: [REASON], leave=cleaned.append)
    section = here.get("/account").content.decode().partition('id="leave"')[2]
    assert "the last owner of Tidewater Freight" in section
    assert "disabled" in section
    assert "/account/delete" not in section
    confirm(here)
    answer = here.post("/account/delete", {"typed": mina.email})
    assert answer.status_code == 409
    assert "the last owner of Tidewater Freight" in answer.content.decode()
    assert User.objects.filter(pk=mina.pk).exists()
    assert cleaned == []
    assert not AuditEvent.objects.filter(verb="account.deleted").exists()


def test_other_apps_clean_up_while_the_person_is_still_there(mina, registered):
    seen = []
    departures.register_departure(
        lambda person: [], leave=lambda person: seen.append(User.objects.filter(pk=person.pk).exists())
    )
    services.delete_account(actor=mina, user=mina)
    assert seen == [True]


def test_an_account_that_is_gone_already_is_not_there(mina: User) -> None:
    """As for the second of two clicks, which has waited for the first."""
    services.delete_account(actor=mina, user=User.objects.get(pk=mina.pk))
    with pytest.raises(NotFound):
        services.delete_account(actor=mina, user=mina)


def test_what_fails_while_cleaning_up_keeps_the_account(mina, registered):
    def fail(person: User) -> None:
        raise Conflict("Not now.")

    departures.register_departure(lambda person: [], leave=fail)
    with pytest.raises(Conflict):
        services.delete_account(actor=mina, user=mina)
    assert User.objects.filter(pk=mina.pk).exists()
    assert not AuditEvent.objects.filter(verb="account.deleted").exists()


def test_the_last_system_administrator_stays(mina):
    User.objects.filter(pk=mina.pk).update(is_superuser=True, is_staff=True)
    mina.refresh_from_db()
    with pytest.raises(Conflict, match="last system administrator"):
        services.delete_account(actor=mina, user=mina)
    User.objects.create_superuser("second@tidewater.example", PASSWORD)
    services.delete_account(actor=mina, user=mina)


class TestDeleteAccount(ServiceContract):
    watched = (User,)
    verb = "account.deleted"
    refused = {"bob": NotAllowed, "charlie": NotAllowed, "operator": NotAllowed}

    def make(self, alice: User, bob: User) -> User:
        return alice

    def call(self, actor: User, row: User) -> None:
        services.delete_account(actor=actor, user=row)

    def test_whoever_may_does_it_and_it_is_written_down(self, actors: dict[str, User]) -> None:
        alice = actors["alice"]
        services.delete_account(actor=alice, user=alice)
        assert not User.objects.filter(email=alice.email).exists()
        event = AuditEvent.objects.get()
        assert (event.verb, event.target_label) == (self.verb, "Alice")
