"""Signing up: an account comes to be by the mailed link, and nobody learns who has one."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from apps.accounts import arrivals
from apps.accounts.models import MailedLink, SignUp, User
from apps.accounts.problems import LinkEnded
from apps.accounts.services.sign_up import finish_sign_up, register_person, start_sign_up
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import InvalidInput, TooManyRequests
from tests.accounts.mailbox import link_to, mails_to, newest_mail

pytestmark = pytest.mark.django_db

ZOE = "zoe@reyes.example"
PASSWORD = "a-long-tide-4711"
TYPED = {"name": "Zoë Reyes", "email": ZOE, "workspace": "Reyes Foods", "password": PASSWORD}


@pytest.fixture(autouse=True)
def welcomed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Who was welcomed, with the name of their workspace."""
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(arrivals, "_welcomes", [lambda user, name: found.append((user.email, name))])
    return found


def start(**changes: str) -> MailedLink:
    return start_sign_up(**{**TYPED, **changes})


def sign_up(client: Client, **changes: str) -> Any:
    return client.post("/sign-up", {**TYPED, **changes})


def open_newest(client: Client, email: str = ZOE) -> Any:
    return client.get(link_to(email), follow=True)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# --- Services --------------------------------------------------------------------------------------


def test_before_the_link_is_used_there_is_no_account() -> None:
    link = start()
    assert not User.objects.exists()
    assert (link.email, link.sign_up.name, link.used_at) == (ZOE, "Zoë Reyes", None)
    event = AuditEvent.objects.get(verb="account.sign_up_started")
    assert (event.actor_id, event.target_label) == ("", ZOE)
    assert PASSWORD not in f"{event.before}{event.after}"
    assert PASSWORD not in SignUp.objects.get().password


def test_the_token_is_in_the_mail_alone() -> None:
    link = start()
    token = link_to(ZOE).removeprefix("/link/")
    assert len(token) >= 43
    assert token not in "".join(str(vars(each)) for each in (link, AuditEvent.objects.get(), newest_mail(ZOE)))


def test_the_link_makes_the_account_with_its_workspace(welcomed: list[tuple[str, str]]) -> None:
    user = finish_sign_up(link=start(language="ko", email=" Zoe@Reyes.example"), in_same_browser=True)
    assert (user.email, user.name, user.language, user.is_staff) == (ZOE, "Zoë Reyes", "ko", False)
    assert User.objects.get().check_password(PASSWORD)
    assert welcomed == [(ZOE, "Reyes Foods")]
    assert AuditEvent.objects.get(verb="account.signed_up").actor_id == user.pk
    assert not SignUp.objects.exists()


def test_a_link_works_once_and_takes_those_before_it_along() -> None:
    first, second = start(), None
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        from apps.accounts.services.resend import send_link_again

        second = send_link_again(actor=None, link=first)
        finish_sign_up(link=second, in_same_browser=True)
        for link in (first, second):
            with pytest.raises(LinkEnded):
                finish_sign_up(link=link, in_same_browser=True)
    assert User.objects.count() == 1


def test_after_a_day_the_link_has_ended() -> None:
    link = start()
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1), tick=False), pytest.raises(LinkEnded):
        finish_sign_up(link=link, in_same_browser=True)
    with time_machine.travel(clock.now() + timedelta(hours=23, minutes=59), tick=False):
        finish_sign_up(link=link, in_same_browser=True)


@pytest.mark.parametrize("password", [None, "", "another-tide-4711"])
def test_in_another_browser_the_password_that_was_chosen_is_needed(password: str | None) -> None:
    link = start()
    with pytest.raises(InvalidInput) as caught:
        finish_sign_up(link=link, password=password)
    assert list(caught.value.fields) == ["password"]
    assert not User.objects.exists()
    assert finish_sign_up(link=link, password=PASSWORD).email == ZOE


def test_two_sign_ups_for_one_address_make_one_account() -> None:
    hers, a_strangers = start(), start(name="Mallory", password="mallory-was-here-1")
    finish_sign_up(link=hers, password=PASSWORD)
    with pytest.raises(LinkEnded):
        finish_sign_up(link=a_strangers, password="mallory-was-here-1")
    assert User.objects.get().check_password(PASSWORD)


def test_what_fails_after_the_link_was_taken_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    link = start()

    def fails(user: User, name: str) -> None:
        raise RuntimeError

    monkeypatch.setattr(arrivals, "_welcomes", [fails])
    with pytest.raises(RuntimeError), transaction.atomic():
        finish_sign_up(link=link, in_same_browser=True)
    assert not User.objects.exists()
    assert MailedLink.objects.get().is_open


@pytest.mark.parametrize("password", ["short", "zoe@reyes.example", "Zoë Reyes", "password123", "1234567890123"])
def test_a_weak_password_is_refused_before_anything_is_kept(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        start(password=password)
    assert list(caught.value.fields) == ["password"]
    assert not SignUp.objects.exists()
    assert not mails_to(ZOE)


def test_an_address_with_an_account_gets_another_mail_and_no_link(alice: User) -> None:
    link = start(email="ALICE@tidewater.example")
    mail = newest_mail(alice.email)
    assert mail.template == "account_exists"
    assert "/link/" not in mail.text.reveal()
    assert "/sign-in/forgot" in mail.text.reveal()
    with pytest.raises(LinkEnded):
        finish_sign_up(link=link, in_same_browser=True)
    assert User.objects.get().name == "Alice"


def test_an_address_gets_five_links_in_an_hour_and_no_more() -> None:
    for _ in range(5):
        start()
    with pytest.raises(TooManyRequests):
        start()
    assert len(mails_to(ZOE)) == 5
    start(email="other@reyes.example")
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        start()


def test_somebody_whose_address_is_known_is_registered_without_a_link() -> None:
    user = register_person(email="Jonas@Tidewater.example", password=PASSWORD, name=" Jonas ", language="ko")
    assert (user.email, user.name, user.language) == ("jonas@tidewater.example", "Jonas", "ko")
    assert AuditEvent.objects.get(verb="account.signed_up").target_id == user.pk
    with pytest.raises(InvalidInput) as caught:
        register_person(email="JONAS@tidewater.example", password=PASSWORD, name="Other")
    assert list(caught.value.fields) == ["email"]
    with pytest.raises(InvalidInput):
        register_person(email="jon@tidewater.example", password="short", name="Jon")
    assert User.objects.count() == 1


# --- Pages -----------------------------------------------------------------------------------------


def test_from_the_form_to_the_console(client: Client, welcomed: list[tuple[str, str]]) -> None:
    answer = sign_up(client)
    assert (answer.status_code, answer["Location"]) == (302, "/sign-up/sent")
    sent = client.get("/sign-up/sent").content.decode()
    assert f'We wrote to <b class="strong">{ZOE}</b>' in sent
    assert 'it comes from <span class="mono">no-reply@imp.example</span>' in sent
    assert not is_signed_in(client)
    page = open_newest(client)
    assert page.redirect_chain == [("/sign-up/confirm", 302)]
    assert 'name="password"' not in page.content.decode()
    assert client.post("/sign-up/confirm")["Location"] == "/"
    assert is_signed_in(client)
    assert welcomed == [(ZOE, "Reyes Foods")]
    assert AuditEvent.objects.filter(verb="account.signed_in").count() == 1


def test_opening_the_link_changes_nothing_as_programs_open_links_too(client: Client) -> None:
    sign_up(client)
    open_newest(Client())
    assert not User.objects.exists()
    assert MailedLink.objects.get().used_at is None


def test_another_browser_is_asked_for_the_password(client: Client) -> None:
    sign_up(client)
    other = Client()
    assert 'name="password"' in open_newest(other).content.decode()
    answer = other.post("/sign-up/confirm", {"password": "not-the-one-4711"})
    assert answer.status_code == 422
    assert "This isn&#x27;t the password that you chose" in answer.content.decode()
    assert other.post("/sign-up/confirm", {}).status_code == 422
    assert not User.objects.exists()
    assert other.post("/sign-up/confirm", {"password": PASSWORD}).status_code == 302
    assert is_signed_in(other)


def test_after_five_wrong_passwords_the_link_waits(client: Client) -> None:
    sign_up(client)
    other = Client()
    open_newest(other)
    answers = [other.post("/sign-up/confirm", {"password": f"wrong-{n}"}).status_code for n in range(5)]
    assert answers == [422] * 5
    assert other.post("/sign-up/confirm", {"password": PASSWORD}).status_code == 429
    assert not User.objects.exists()


def test_a_refused_form_keeps_what_was_typed_but_the_password(client: Client) -> None:
    answer = sign_up(client, password="short-1")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="Zoë Reyes"' in page
    assert "short-1" not in page
    assert "at least 12 characters" in page
    for changes in ({"email": "no address"}, {"email": ""}, {"name": ""}, {"name": "x" * 121}):
        assert sign_up(client, **changes).status_code == 422
    assert not SignUp.objects.exists()


def words(client: Client, email: str) -> str:
    answer = sign_up(client, email=email)
    assert (answer.status_code, answer["Location"]) == (302, "/sign-up/sent")
    page = client.get("/sign-up/sent").content.decode().replace(email, "")
    return re.sub(r'value="[A-Za-z0-9]{64}"|content="[^"]*"|\b(59|60)\b', "", page)


def test_pages_say_the_same_for_an_address_with_an_account_and_one_without(client: Client, alice: User) -> None:
    assert words(client, alice.email) == words(Client(), ZOE)


def test_both_cost_the_same_queries(client: Client, alice: User, django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def verbs(email: str) -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            start(email=email)
        return [query["sql"].split()[0] for query in asked.captured_queries]

    start(email="warm@reyes.example")
    assert verbs(alice.email) == verbs(ZOE)


def test_one_asks_for_another_link_after_a_minute(client: Client) -> None:
    sign_up(client)
    first = link_to(ZOE)
    assert "disabled" in client.get("/sign-up/sent").content.decode()
    early = client.post("/link/again", {"which": "sent"})
    assert (early.status_code, len(mails_to(ZOE))) == (429, 1)
    assert "Wait" in early.content.decode()
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
        assert client.post("/link/again", {"which": "sent"})["Location"] == "/sign-up/sent"
        assert len(mails_to(ZOE)) == 2
        assert link_to(ZOE) != first
        # The first mail may come late: it is as good as the second
        assert client.get(first, follow=True).redirect_chain == [("/sign-up/confirm", 302)]
        assert client.post("/link/again", {"which": "sent"}).status_code == 429
    assert AuditEvent.objects.filter(verb="account.link_sent_again").count() == 1


def test_an_ended_link_offers_a_new_one(client: Client) -> None:
    sign_up(client)
    other = Client()
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        page = open_newest(other)
        assert page.status_code == 410
        assert "Send a new link" in page.content.decode()
        assert other.post("/link/again")["Location"] == "/sign-up/sent"
        open_newest(other)
        assert other.post("/sign-up/confirm", {"password": PASSWORD}).status_code == 302
    assert User.objects.get().email == ZOE


def test_a_used_link_says_that_the_account_is_there(client: Client) -> None:
    sign_up(client)
    path = link_to(ZOE)
    open_newest(client)
    client.post("/sign-up/confirm")
    page = Client().get(path, follow=True)
    assert page.status_code == 410
    assert "the account is there" in page.content.decode()
    assert "Send a new link" not in page.content.decode()


def test_a_link_that_never_was_is_told_apart_from_none_that_ended(client: Client, db: None) -> None:
    page = client.get("/link/no-such-token")
    assert page.status_code == 410
    assert "cut off in the mail" in page.content.decode()
    assert "Send a new link" not in page.content.decode()
    assert client.post("/link/again").status_code == 410
    for path in ("/sign-up/confirm", "/sign-in/reset", "/account/email/confirm"):
        assert client.get(path).status_code == client.post(path).status_code == 410
    assert client.get("/sign-up/sent")["Location"] == "/sign-in"


def test_a_link_that_never_was_offers_nothing_of_the_one_opened_before(client: Client) -> None:
    sign_up(client)
    open_newest(client)
    assert "Send a new link" not in client.get("/link/no-such-token").content.decode()
    assert client.get("/sign-up/confirm").status_code == 410


def test_a_link_of_one_kind_opens_no_page_of_another(client: Client) -> None:
    sign_up(client)
    open_newest(client)
    assert client.get("/sign-in/reset").status_code == 410
    assert client.post("/account/email/confirm").status_code == 410


def test_many_sign_ups_from_one_place_have_to_wait(client: Client) -> None:
    answers = [sign_up(client, email=f"zoe{number}@reyes.example").status_code for number in range(31)]
    assert answers == [302] * 30 + [429]
    assert SignUp.objects.count() == 30


def test_whoever_is_signed_in_has_no_need_of_it(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/sign-up")["Location"] == "/"
    assert sign_up(client)["Location"] == "/"
    assert not SignUp.objects.exists()


def test_where_only_invitations_count_the_page_says_so(client: Client, settings: Any, db: None) -> None:
    settings.SIGN_UP_IS_OPEN = False
    for answer in (client.get("/sign-up"), sign_up(client)):
        assert answer.status_code == 403
        assert "By invitation only" in answer.content.decode()
    assert not SignUp.objects.exists()
    assert "Create an account" not in client.get("/sign-in").content.decode()


def test_nothing_of_it_is_stored_by_a_browser_and_no_address_carries_the_token(client: Client) -> None:
    sign_up(client)
    token = link_to(ZOE).removeprefix("/link/")
    opened = client.get(f"/link/{token}")
    page = client.get(opened["Location"])
    assert "no-store" in opened["Cache-Control"]
    assert "no-store" in page["Cache-Control"]
    assert token not in opened["Location"] + page.content.decode()


@pytest.fixture(autouse=True)
def _no_time_left_over() -> Iterator[None]:
    yield
    from django.core.cache import cache

    cache.clear()
