"""Where one is signed in: the list, ending one or all others, and that open pages hear of it."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.models import Session, User
from apps.audit.models import AuditEvent
from apps.core.errors import NotFound
from apps.core.events.models import Event
from tests.accounts.browsers import CHROME, ELSEWHERE, FIREFOX, HOME, SAFARI, client_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_session_store import is_signed_in, sign_in
from tests.contracts.queries import pinned_queries
from tests.contracts.service import ServiceContract

pytestmark = pytest.mark.django_db

IN_DIALOG = {"hx-request": "true", "hx-target": "dialog"}
IN_PLACE = {"hx-request": "true", "hx-target": "sessions"}


@pytest.fixture
def here(mina: User) -> Client:
    return sign_in(client_of(CHROME, HOME), mina)


@pytest.fixture
def there(mina: User, here: Client) -> Client:
    return sign_in(client_of(FIREFOX, ELSEWHERE), mina)


def confirmed(client: Client) -> Client:
    assert client.post("/account/confirm", {"password": PASSWORD}).status_code == 302
    return client


def of(user_agent: str) -> Session:
    return Session.objects.get(user_agent=user_agent)


def told(person: User) -> list[str]:
    return list(Event.objects.filter(topic=f"account:{person.pk}").order_by("id").values_list("kind", flat=True))


# --- The list --------------------------------------------------------------------------------------


def test_the_one_at_hand_comes_first_and_has_no_button(here, there):
    section = here.get("/account/sessions", headers=IN_PLACE).content.decode()
    assert section.count("<li") == 2
    first, second = section.split("<li")[1:]
    assert "Chrome 141 on macOS" in first
    assert "This one" in first
    assert HOME in first
    assert "Revoke" not in first
    assert "Firefox 144 on Windows" in second
    assert ELSEWHERE in second
    assert f"/account/sessions/{of(FIREFOX).pk}/revoke" in second
    assert "Sign out the other one" in section


def test_a_network_that_is_new_is_marked(here, there):
    section = here.get("/account/sessions", headers=IN_PLACE).content.decode()
    assert section.count("from that network before") == 1


def test_no_key_is_in_the_page(here, there):
    page = here.get("/account").content.decode()
    for session in Session.objects.all():
        assert session.session_key not in page


def test_other_peoples_and_ended_sessions_are_not_listed(here, there, mina):
    sign_in(client_of(SAFARI), User.objects.create_user("other@tidewater.example", PASSWORD))
    Session.objects.filter(user_agent=FIREFOX).update(expire_date="2020-01-01T00:00Z")
    section = here.get("/account/sessions", headers=IN_PLACE).content.decode()
    assert section.count("<li") == 1
    assert "Sign out the other" not in section


def test_without_script_the_address_of_the_section_leads_to_the_page(here):
    assert here.get("/account/sessions")["Location"] == "/account#sessions"


def test_the_account_page_asks_the_same_for_however_many_sessions(here, mina):
    with pinned_queries("Account: page"):
        here.get("/account")
    for _ in range(5):
        sign_in(client_of(SAFARI), mina)
    with pinned_queries("Account: page"):
        here.get("/account")


# --- Ending one ------------------------------------------------------------------------------------


def test_a_session_is_revoked_by_name_at_once_and_open_pages_hear_of_it(here, there, mina):
    path = f"/account/sessions/{of(FIREFOX).pk}/revoke"
    dialog = here.get(path, headers=IN_DIALOG).content.decode()
    assert "Revoke Firefox 144 on Windows?" in dialog
    assert ELSEWHERE in dialog
    assert is_signed_in(there)
    before = told(mina)
    answer = here.post(path, headers=IN_DIALOG)
    assert answer.status_code == 204
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert told(mina) == [*before, "session-ended"]
    event = AuditEvent.objects.get(verb="account.session_revoked")
    assert (event.actor_id, event.target_label) == (mina.pk, "Firefox 144 on Windows")
    assert event.before["address"] == ELSEWHERE


def test_somebody_elses_session_is_not_there(here, mina):
    other = User.objects.create_user("other@tidewater.example", PASSWORD)
    theirs = sign_in(client_of(SAFARI), other)
    path = f"/account/sessions/{of(SAFARI).pk}/revoke"
    assert here.get(path).status_code == 404
    assert here.post(path).status_code == 404
    assert is_signed_in(theirs)


def test_strangers_are_sent_to_the_sign_in(here, client):
    for path in ("/account/sessions", f"/account/sessions/{of(CHROME).pk}/revoke", "/account/sessions/others/revoke"):
        assert client.get(path)["Location"] == f"/sign-in?next={path}"
        assert client.post(path).status_code in (302, 405)
    assert is_signed_in(here)


def test_an_open_page_whose_session_ended_is_sent_to_the_sign_in(here, there):
    page = here.get("/account").content.decode()
    assert re.search(r'data-live="account:usr_\w+" hx-get="/account/alive" hx-trigger="live:session-ended', page)
    Session.objects.filter(user_agent=CHROME).delete()
    answer = here.get("/account/alive", headers={**IN_PLACE, "hx-current-url": "http://testserver/audit"})
    assert answer["HX-Redirect"].startswith("/sign-in")


# --- Ending all others -----------------------------------------------------------------------------


def test_all_others_end_after_a_confirmation(here, there, mina):
    path = "/account/sessions/others/revoke"
    for answer in (here.get(path), here.post(path)):
        assert answer["Location"] == f"/account/confirm?next={path}"
    assert is_signed_in(there)
    confirmed(here)
    page = here.get(path).content.decode()
    assert "Firefox 144 on Windows" in page
    assert "Chrome 141 on macOS" not in page
    assert here.post(path)["Location"] == "/account#sessions"
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert AuditEvent.objects.get(verb="account.other_sessions_revoked").after == {"ended": 1}


def test_out_of_a_dialog_the_way_to_the_confirmation_is_a_page(here):
    answer = here.get("/account/sessions/others/revoke", headers=IN_DIALOG)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["HX-Redirect"] == "/account/confirm?next=/account/sessions/others/revoke"


def test_where_there_are_no_others_nothing_is_written_down(here, mina):
    assert services.revoke_other_sessions(actor=mina, keep=Session.objects.get()) == 0
    assert not AuditEvent.objects.filter(verb="account.other_sessions_revoked").exists()


def test_a_new_password_leaves_no_row_of_the_other_sessions(here, there, mina):
    new = "another-long-tide-0815"
    here.post("/account/password", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert [str(session) for session in Session.objects.all()] == ["Chrome 141 on macOS"]
    assert is_signed_in(here)


# --- The services ----------------------------------------------------------------------------------


def make_session(person: User) -> Session:
    client = client_of(FIREFOX)
    client.force_login(person)
    return Session.objects.filter(person=person).latest("id")


class TestRevokeSession(ServiceContract):
    watched = (Session,)
    verb = "account.session_revoked"
    refused = {"bob": NotFound, "charlie": NotFound, "operator": NotFound}

    def make(self, alice: User, bob: User) -> Session:
        return make_session(alice)

    def call(self, actor: User, row: Session) -> None:
        services.revoke_session(actor=actor, session=row)


class TestRevokeOtherSessions(ServiceContract):
    watched = (Session,)
    verb = "account.other_sessions_revoked"
    allowed = ("alice",)
    refused: dict[str, Any] = {}

    def make(self, alice: User, bob: User) -> Session:
        make_session(alice)
        return make_session(alice)

    def call(self, actor: User, row: Session) -> None:
        services.revoke_other_sessions(actor=actor, keep=row)

    def test_whoever_may_not_changes_nothing(self, actors: dict[str, User]) -> None:
        kept = self.make(actors["alice"], actors["bob"])
        for name in ("bob", "charlie", "operator"):
            self.call(actors[name], kept)
        assert Session.objects.filter(person=actors["alice"]).count() == 2
