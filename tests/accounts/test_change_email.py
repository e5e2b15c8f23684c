"""Another address: it counts once its link is opened, the old one is told, and nobody takes what isn't theirs."""

from datetime import timedelta

import pytest
import time_machine
from django.db.models import F
from django.test import Client

from apps.accounts import services
from apps.accounts.models import MailedLink, User
from apps.accounts.problems import LinkEnded
from apps.accounts.selectors import pending_change
from apps.accounts.services.emails import ask_to_change_email, cancel_email_change, confirm_email
from apps.accounts.services.resend import send_link_again
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import Conflict, InvalidInput, TooManyRequests
from tests.accounts.conftest import PASSWORD
from tests.accounts.mailbox import link_to, mails_to, newest_mail

pytestmark = pytest.mark.django_db

NEW = "mina@reyes.example"


def address_of(user: User) -> str:
    return User.objects.values_list("email", flat=True).get(pk=user.pk)


def confirm_first(browser: Client) -> None:
    assert browser.post("/account/confirm?next=/account", {"password": PASSWORD}).status_code == 302


# --- Services --------------------------------------------------------------------------------------


def test_the_new_address_counts_once_its_link_is_used_and_the_old_one_is_told(mina: User) -> None:
    old = mina.email
    link = ask_to_change_email(actor=mina, email=" Mina@Reyes.example ")
    assert (address_of(mina), pending_change(mina)) == (old, link)
    assert old in newest_mail(NEW).text.reveal()
    assert mails_to(old) == []
    confirm_email(link=link)
    assert (address_of(mina), pending_change(mina)) == (NEW, None)
    assert NEW in newest_mail(old).text.reveal()
    event = AuditEvent.objects.get(verb="account.email_changed")
    assert (event.actor_id, event.before, event.after) == (mina.pk, {"email": old}, {"email": NEW})
    asked = AuditEvent.objects.get(verb="account.email_change_asked")
    assert (asked.actor_id, asked.before, asked.after) == (mina.pk, {"email": old}, {"email": NEW})
    with pytest.raises(LinkEnded):
        confirm_email(link=link)


def test_it_counts_its_saves_so_that_somebody_elses_edit_is_not_lost(mina: User) -> None:
    confirm_email(link=ask_to_change_email(actor=mina, email=NEW))
    assert User.objects.get(pk=mina.pk).version == mina.version + 1


def test_an_address_that_was_waiting_does_not_count_for_somebody_deactivated(mina: User) -> None:
    link = ask_to_change_email(actor=mina, email=NEW)
    yuna = User.objects.create_superuser("yuna@imp.example", PASSWORD)
    services.deactivate_person(actor=yuna, user=User.objects.get(pk=mina.pk))
    with pytest.raises(LinkEnded):
        confirm_email(link=link)
    assert address_of(mina) == mina.email


def test_ones_own_address_is_no_change(mina: User) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask_to_change_email(actor=mina, email=mina.email.upper())
    assert list(caught.value.fields) == ["email"]
    assert not AuditEvent.objects.exists()


def test_an_address_of_somebody_else_is_told_and_can_not_be_had(mina: User, alice: User) -> None:
    link = ask_to_change_email(actor=mina, email=alice.email)
    mail = newest_mail(alice.email)
    assert mail.template == "account_exists"
    assert "/link/" not in mail.text.reveal()
    with pytest.raises(LinkEnded):
        confirm_email(link=link)
    assert address_of(mina) != alice.email


def test_an_address_that_somebody_got_meanwhile_can_not_be_had(mina: User) -> None:
    link = ask_to_change_email(actor=mina, email=NEW)
    User.objects.create_user(NEW, PASSWORD)
    with pytest.raises(LinkEnded):
        confirm_email(link=link)
    assert address_of(mina) != NEW


def test_another_wish_ends_the_one_before(mina: User) -> None:
    first = ask_to_change_email(actor=mina, email="first@reyes.example")
    second = ask_to_change_email(actor=mina, email=NEW)
    assert pending_change(mina) == second
    with pytest.raises(LinkEnded):
        confirm_email(link=first)
    confirm_email(link=second)
    assert address_of(mina) == NEW


def test_a_change_that_was_cancelled_stays_so(mina: User, alice: User) -> None:
    link = ask_to_change_email(actor=mina, email=NEW)
    cancel_email_change(actor=mina)
    assert pending_change(mina) is None
    with pytest.raises(LinkEnded):
        confirm_email(link=link)
    # Whoever reads the mail at the new address can't ask for another; nor can another person
    for nobody in (None, alice):
        with pytest.raises(LinkEnded):
            send_link_again(actor=nobody, link=link)
    with pytest.raises(Conflict):
        cancel_email_change(actor=mina)
    assert AuditEvent.objects.get(verb="account.email_change_cancelled").before == {"email": NEW}


def test_nobody_has_mails_sent_to_one_address_after_the_other(mina: User) -> None:
    for number in range(5):
        ask_to_change_email(actor=mina, email=f"mina{number}@reyes.example")
    with pytest.raises(TooManyRequests):
        ask_to_change_email(actor=mina, email="mina5@reyes.example")
    assert pending_change(mina) is not None


def test_it_lasts_a_day(mina: User) -> None:
    link = ask_to_change_email(actor=mina, email=NEW)
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        assert pending_change(mina) is None
        with pytest.raises(LinkEnded):
            confirm_email(link=link)


# --- Pages -----------------------------------------------------------------------------------------


def test_changing_it_asks_first_who_it_is(client: Client, mina: User) -> None:
    assert client.get("/account/email")["Location"].startswith("/sign-in?")
    client.force_login(mina)
    for answer in (client.get("/account/email"), client.post("/account/email", {"email": NEW})):
        assert answer["Location"].startswith("/account/confirm")
    assert not mails_to(NEW)


def test_from_the_accounts_page_to_the_new_address(browser: Client, mina: User) -> None:
    confirm_first(browser)
    assert browser.get("/account/email").status_code == 200
    assert browser.post("/account/email", {"email": "no address"}).status_code == 422
    assert browser.post("/account/email", {"email": mina.email}).status_code == 422
    assert browser.post("/account/email", {"email": NEW})["Location"] == "/account#profile"
    assert f"Waiting for {NEW}" in browser.get("/account").content.decode()
    elsewhere = Client()
    page = elsewhere.get(link_to(NEW), follow=True)
    assert page.redirect_chain == [("/account/email/confirm", 302)]
    assert NEW in page.content.decode()
    assert address_of(mina) != NEW
    assert elsewhere.post("/account/email/confirm")["Location"] == "/sign-in"
    assert address_of(mina) == NEW
    assert "Waiting for" not in browser.get("/account").content.decode()
    assert elsewhere.post("/sign-in", {"login": NEW, "password": PASSWORD}).status_code == 302


def test_one_sends_the_link_again_or_keeps_the_address(browser: Client, mina: User) -> None:
    confirm_first(browser)
    browser.post("/account/email", {"email": NEW})
    assert browser.post("/account/email/pending", {"action": "again"}).status_code == 429
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        assert browser.post("/account/email/pending", {"action": "again"})["Location"] == "/account#profile"
        assert len(mails_to(NEW)) == 2
        browser.post("/account/email/pending", {"action": "cancel"})
        assert "stays as it is" in browser.get("/account").content.decode()
        assert browser.get(link_to(NEW), follow=True).status_code == 410
        browser.post("/account/email/pending", {"action": "cancel"})
        assert "No new address is waiting" in browser.get("/account").content.decode()


def test_strangers_settle_nothing(client: Client, mina: User) -> None:
    ask_to_change_email(actor=mina, email=NEW)
    assert client.post("/account/email/pending", {"action": "cancel"}).status_code == 404
    assert client.get("/account/email/pending").status_code == 405
    assert pending_change(mina) is not None


def test_an_ended_change_offers_a_new_link_to_its_person_alone(browser: Client, mina: User) -> None:
    ask_to_change_email(actor=mina, email=NEW)
    path = link_to(NEW)
    a_day = timedelta(hours=25)
    MailedLink.objects.update(created_at=F("created_at") - a_day, expires_at=F("expires_at") - a_day)
    stranger = Client()
    assert "Send a new link" not in stranger.get(path, follow=True).content.decode()
    assert stranger.post("/link/again").status_code == 410
    assert "Send a new link" in browser.get(path, follow=True).content.decode()
    assert browser.post("/link/again")["Location"] == "/account"
    assert len(mails_to(NEW)) == 2
