"""Before something dangerous one shows again who one is: with what there is, for ten minutes, in this session alone."""

from datetime import timedelta
from urllib.parse import unquote

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from apps.accounts.models import Session, User
from apps.core import clock
from tests.accounts.codes import code_of
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

GUARDED = ["/account/sessions/others/revoke", "/account/delete", "/account/second-factor/on"]


def asks(client: Client, path: str = GUARDED[0]) -> bool:
    answer = client.get(path)
    return answer.status_code == 302 and answer["Location"].startswith("/account/confirm")


@pytest.mark.parametrize("path", GUARDED)
def test_what_is_dangerous_asks_and_leads_back(browser, path):
    assert asks(browser, path)
    answer = browser.post(f"/account/confirm?next={path}", {"password": PASSWORD})
    assert answer["Location"] == path
    assert browser.get(path).status_code == 200


def test_a_wrong_password_confirms_nothing(browser):
    assert browser.post("/account/confirm", {"password": "wrong"}).status_code == 422
    assert asks(browser)


def test_it_counts_for_ten_minutes(browser, monkeypatch):
    browser.post("/account/confirm", {"password": PASSWORD})
    now = clock.now()
    for minutes, asked in ((9, False), (11, True)):
        monkeypatch.setattr(clock, "now", lambda minutes=minutes: now + timedelta(minutes=minutes))
        assert asks(browser) is asked


def test_it_counts_in_this_session_alone(browser, mina):
    browser.post("/account/confirm", {"password": PASSWORD})
    elsewhere = Client()
    elsewhere.post("/sign-in", {"login": mina.email, "password": PASSWORD})
    assert asks(elsewhere)


def test_a_code_confirms_too(browser, secret):
    session = browser.session
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= 660
    session.save()
    assert asks(browser)
    assert "Use the app" in browser.get("/account/confirm").content.decode()
    assert browser.post("/account/confirm/code", {"code": code_of(secret, periods=1)}).status_code == 302
    assert not asks(browser)


def test_whoever_has_nothing_to_type_comes_in_anew(browser, mina):
    """Somebody whose password was taken away and whom no provider signs in."""
    User.objects.filter(pk=mina.pk).update(password="!")
    client = Client()
    client.force_login(User.objects.get(pk=mina.pk))
    assert not asks(client)
    Session.objects.update(signed_in_at=clock.now() - timedelta(minutes=11))
    assert asks(client)
    page = client.get("/account/confirm?next=/account/delete").content.decode()
    assert "sign in once more" in page
    answer = client.post("/sign-out", {"next": "/sign-in?next=/account/delete"})
    assert answer["Location"] == "/sign-in?next=/account/delete"


def test_a_stranger_is_asked_to_sign_in_instead(client, db):
    for path in GUARDED:
        assert unquote(client.get(path)["Location"]) == f"/sign-in?next={path}"
