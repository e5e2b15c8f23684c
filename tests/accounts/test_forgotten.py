"""A forgotten password: the link goes to the address, a new one ends every session, and pages tell nobody more."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import services
from apps.accounts.models import MailedLink, Session, User
from apps.accounts.problems import LinkEnded
from apps.accounts.services.emails import ask_to_change_email, confirm_email
from apps.accounts.services.passwords import ask_for_password_link, reset_password
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import InvalidInput, TooManyRequests
from tests.accounts.conftest import PASSWORD
from tests.accounts.mailbox import link_to, mails_to, newest_mail
from tests.at_once import at_once

pytestmark = pytest.mark.django_db

NEW = "another-tide-4712"


def forget(client: Client, email: str) -> Any:
    return client.post("/sign-in/forgot", {"email": email})


def has_password(user: User, password: str) -> bool:
    return User.objects.get(pk=user.pk).check_password(password)


# --- Services --------------------------------------------------------------------------------------


def test_the_link_sets_a_new_password_and_ends_every_session(mina: User, browser: Client) -> None:
    assert Session.objects.filter(person=mina).count() == 1
    reset_password(link=ask_for_password_link(email=" Mina@Tidewater.example"), password=NEW)
    assert has_password(mina, NEW)
    assert not Session.objects.filter(person=mina).exists()
    asked = AuditEvent.objects.get(verb="account.password_forgotten")
    assert (asked.actor_id, asked.target_id) == ("", mina.pk)
    assert AuditEvent.objects.get(verb="account.password_reset").actor_id == mina.pk
    assert newest_mail(mina.email).template == "password_changed"


def test_it_works_once_and_so_do_those_mailed_with_it(mina: User) -> None:
    first, second = ask_for_password_link(email=mina.email), ask_for_password_link(email=mina.email)
    reset_password(link=second, password=NEW)
    for link in (first, second):
        with pytest.raises(LinkEnded):
            reset_password(link=link, password="mallory-was-here-1")
    assert has_password(mina, NEW)


def test_it_lasts_an_hour(mina: User) -> None:
    link = ask_for_password_link(email=mina.email)
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False), pytest.raises(LinkEnded):
        reset_password(link=link, password=NEW)
    assert has_password(mina, PASSWORD)


def test_a_weak_password_leaves_link_and_password_as_they_are(mina: User) -> None:
    link = ask_for_password_link(email=mina.email)
    for weak in ("short", mina.email, "password123"):
        with pytest.raises(InvalidInput):
            reset_password(link=link, password=weak)
    assert has_password(mina, PASSWORD)
    assert MailedLink.objects.get().is_open


def test_an_address_without_an_account_is_told_so_by_mail_alone() -> None:
    link = ask_for_password_link(email="nobody@reyes.example", language="ko")
    mail = newest_mail("nobody@reyes.example")
    assert (mail.template, mail.language) == ("no_account", "ko")
    assert "/link/" not in mail.text.reveal()
    with pytest.raises(LinkEnded):
        reset_password(link=link, password=NEW)


def test_a_link_to_an_address_that_is_no_longer_theirs_leads_nowhere(mina: User) -> None:
    link = ask_for_password_link(email=mina.email)
    confirm_email(link=ask_to_change_email(actor=mina, email="mina@reyes.example"))
    with pytest.raises(LinkEnded):
        reset_password(link=link, password=NEW)
    yuna = User.objects.create_superuser("yuna@imp.example", PASSWORD)
    link = ask_for_password_link(email="mina@reyes.example")
    services.change_person(actor=yuna, user=User.objects.get(pk=mina.pk), email="mina@third.example")
    with pytest.raises(LinkEnded):
        reset_password(link=link, password=NEW)
    assert has_password(mina, PASSWORD)


def test_an_address_that_somebody_else_asked_for_meanwhile_leads_nowhere_after_it(mina: User) -> None:
    theirs = ask_to_change_email(actor=mina, email="mallory@reyes.example")
    reset_password(link=ask_for_password_link(email=mina.email), password=NEW)
    with pytest.raises(LinkEnded):
        confirm_email(link=theirs)
    assert User.objects.get(pk=mina.pk).email == mina.email


def test_a_link_whose_person_has_gone_meanwhile_leads_nowhere(mina: User) -> None:
    link = ask_for_password_link(email=mina.email)
    services.delete_account(actor=mina, user=User.objects.get(pk=mina.pk))
    with pytest.raises(LinkEnded):
        reset_password(link=link, password=NEW)


def test_an_address_gets_five_links_in_an_hour_with_an_account_or_without(mina: User) -> None:
    for email in (mina.email, "nobody@reyes.example"):
        for _ in range(5):
            ask_for_password_link(email=email)
        with pytest.raises(TooManyRequests):
            ask_for_password_link(email=email)
        assert len(mails_to(email)) == 5


@pytest.mark.django_db(transaction=True)
def test_nobody_gets_more_by_asking_often_at_once() -> None:
    """Tried with eight real connections."""
    ended = at_once(*[partial(ask_for_password_link, email="nobody@reyes.example")] * 8)
    assert sorted(type(end).__name__ for end in ended) == ["MailedLink"] * 5 + ["TooManyRequests"] * 3


def test_both_cost_the_same_queries(mina: User) -> None:
    def verbs(email: str) -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            ask_for_password_link(email=email)
        return [query["sql"].split()[0] for query in asked.captured_queries]

    verbs("warm@reyes.example")
    assert verbs(mina.email) == verbs("nobody@reyes.example")


# --- Pages -----------------------------------------------------------------------------------------


def test_from_the_sign_in_to_a_new_password(client: Client, mina: User) -> None:
    assert "/sign-in/forgot" in client.get("/sign-in").content.decode()
    assert forget(client, mina.email)["Location"] == "/sign-in/forgot/sent"
    assert mina.email in client.get("/sign-in/forgot/sent").content.decode()
    page = client.get(link_to(mina.email), follow=True)
    assert page.redirect_chain == [("/sign-in/reset", 302)]
    refused = client.post("/sign-in/reset", {"password": "short-1"})
    assert (refused.status_code, "short-1" in refused.content.decode()) == (422, False)
    assert client.post("/sign-in/reset", {"password": NEW})["Location"] == "/sign-in"
    assert "Password changed" in client.get("/sign-in").content.decode()
    assert "_auth_user_id" not in client.session
    assert client.post("/sign-in", {"login": mina.email, "password": NEW}).status_code == 302
    assert client.get("/sign-in/reset").status_code == 410


def test_the_second_factor_is_still_asked_for(client: Client, mina: User, secret: str) -> None:
    forget(client, mina.email)
    client.get(link_to(mina.email))
    client.post("/sign-in/reset", {"password": NEW})
    assert Authenticator.objects.filter(user=mina, type="totp").exists()
    answer = client.post("/sign-in", {"login": mina.email, "password": NEW})
    assert answer["Location"].startswith("/sign-in/code")


def test_a_session_in_the_same_browser_ends_too(browser: Client, mina: User) -> None:
    forget(browser, mina.email)
    browser.get(link_to(mina.email))
    browser.post("/sign-in/reset", {"password": NEW})
    assert browser.get("/account").status_code == 302


def words(client: Client, email: str) -> str:
    answer = forget(client, email)
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/forgot/sent")
    page = client.get("/sign-in/forgot/sent").content.decode().replace(email, "")
    return re.sub(r'value="[A-Za-z0-9]{64}"|content="[^"]*"|\b(59|60)\b', "", page)


def test_pages_say_the_same_for_an_address_with_an_account_and_one_without(mina: User) -> None:
    assert words(Client(), mina.email) == words(Client(), "nobody@reyes.example")


def test_a_used_link_offers_a_new_one_to_the_same_address(client: Client, mina: User) -> None:
    forget(client, mina.email)
    path = link_to(mina.email)
    client.get(path)
    client.post("/sign-in/reset", {"password": NEW})
    other = Client()
    page = other.get(path, follow=True)
    assert page.status_code == 410
    assert "Yours was used" in page.content.decode()
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        assert other.post("/link/again")["Location"] == "/sign-in/forgot/sent"
    assert newest_mail(mina.email).template == "password"


@pytest.mark.parametrize("email", ["mına@tidewater.example", "İ" * 140 + "@tidewater.example"])
def test_letters_that_only_look_like_an_address_are_refused_and_reach_nobody(client: Client, mina: User, email: str):
    for path in ("/sign-in/forgot", "/sign-up"):
        answer = client.post(path, {"email": email, "name": "Mallory", "password": NEW})
        assert answer.status_code == 422
    assert not MailedLink.objects.exists()
    assert mails_to(mina.email) == []


def test_many_requests_from_one_place_have_to_wait(client: Client, db: None) -> None:
    answers = [forget(client, f"nobody{number}@reyes.example").status_code for number in range(31)]
    assert answers == [302] * 30 + [429]


def test_someone_inactive_stays_out_with_the_new_password(client: Client, mina: User) -> None:
    User.objects.update(is_active=False)
    forget(client, mina.email)
    client.get(link_to(mina.email))
    client.post("/sign-in/reset", {"password": NEW})
    answer = client.post("/sign-in", {"login": mina.email, "password": NEW}, follow=True)
    assert answer.redirect_chain == [("/sign-in/inactive", 302)]


def test_a_password_changed_on_the_accounts_page_is_told_by_mail(browser: Client, mina: User) -> None:
    values = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert browser.post("/account/password", values).status_code == 302
    mail = newest_mail(mina.email)
    assert mail.template == "password_changed"
    assert NEW not in mail.text.reveal()


def test_a_password_changed_on_the_accounts_page_ends_the_links_of_before(browser: Client, mina: User) -> None:
    forgotten, elsewhere = (
        ask_for_password_link(email=mina.email),
        ask_to_change_email(actor=mina, email="mallory@reyes.example"),
    )
    browser.post("/account/password", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    with pytest.raises(LinkEnded):
        reset_password(link=forgotten, password="mallory-was-here-1")
    with pytest.raises(LinkEnded):
        confirm_email(link=elsewhere)
    assert has_password(mina, NEW)
