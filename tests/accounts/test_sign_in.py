"""Signing in and out by the form: who gets in, what a refusal says, where it leads."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client: Client, email: str = "mina@tidewater.example", password: str = PASSWORD, **more: str):
    return client.post("/sign-in", {"login": email, "password": password, **more})


def is_signed_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def test_the_right_password_lets_in_and_is_written_down(client, mina):
    answer = sign_in(client)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_signed_in(client)
    event = AuditEvent.objects.get(verb="account.signed_in")
    assert (event.actor_id, event.actor_label, event.target_id) == (mina.pk, "Mina", mina.pk)
    assert event.address == "127.0.0.1"
    assert event.request_id


@pytest.mark.parametrize("email", ["Mina@Tidewater.example", " mina@tidewater.example "])
def test_case_and_spaces_of_the_address_do_not_matter(client, mina, email):
    sign_in(client, email)
    assert is_signed_in(client)


def refusal(client: Client, email: str, password: str) -> str:
    answer = sign_in(client, email, password)
    assert answer.status_code == 422
    assert not is_signed_in(client)
    page = answer.content.decode()
    assert PASSWORD not in page
    assert page.index("E-mail and password don&#x27;t match.") < page.index('name="login"')
    return page.replace(email, "").partition("<form")[2].partition("</form>")[0]


def test_a_wrong_password_and_an_unknown_address_are_refused_in_the_same_words(client, mina):
    import re

    wrong = refusal(client, mina.email, "not-her-password")
    unknown = refusal(client, "nobody@tidewater.example", "not-her-password")
    hide = re.compile(r'value="[A-Za-z0-9]{64}"')
    assert hide.sub("", wrong) == hide.sub("", unknown)


def test_refusals_are_written_down_also_for_an_unknown_address(client, mina):
    refusal(client, mina.email, "wrong")
    refusal(client, "nobody@tidewater.example", "wrong")
    known, unknown = AuditEvent.objects.filter(verb="account.sign_in_failed").order_by("at")
    assert (known.target_id, known.target_label, known.actor_id) == (mina.pk, "Mina", "")
    assert (unknown.target_id, unknown.target_label) == ("", "nobody@tidewater.example")
    assert "wrong" not in f"{known.before}{known.after}{unknown.after}"


def test_someone_inactive_is_told_so_only_with_the_right_password(client, mina):
    User.objects.update(is_active=False)
    assert sign_in(client, password="wrong").status_code == 422
    answer = client.post("/sign-in", {"login": mina.email, "password": PASSWORD}, follow=True)
    assert answer.redirect_chain == [("/sign-in/inactive", 302)]
    assert "This account is inactive" in answer.content.decode()
    assert not is_signed_in(client)


def test_after_five_refusals_the_address_waits_also_with_the_right_password(client, mina):
    for _ in range(5):
        assert sign_in(client, password="wrong").status_code == 422
    answer = sign_in(client)
    assert answer.status_code == 429
    assert "Too many tries. Wait 15 minutes" in answer.content.decode()
    assert not is_signed_in(client)
    User.objects.create_user("other@tidewater.example", PASSWORD)
    assert sign_in(Client(), "other@tidewater.example").status_code == 302


def test_another_port_in_the_host_header_gives_no_further_tries(client, mina):
    for port in range(1, 6):
        values = {"login": mina.email, "password": "wrong"}
        assert client.post("/sign-in", values, headers={"Host": f"testserver:{port}"}).status_code == 422
    values = {"login": mina.email, "password": PASSWORD}
    assert client.post("/sign-in", values, headers={"Host": "testserver:6"}).status_code == 429
    assert not is_signed_in(client)


def test_tries_are_counted_where_every_process_sees_them(client, mina):
    def counted() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM core_cache")
            return int(cursor.fetchone()[0])

    before = counted()
    sign_in(client, password="wrong")
    assert counted() > before


def test_many_tries_from_one_place_get_the_page_for_that(client, mina):
    for _ in range(60):
        client.post("/sign-in", {})
    answer = client.post("/sign-in", {})
    assert answer.status_code == 429
    assert "<h1" in answer.content.decode()


def test_keep_me_signed_in_lasts_thirty_days_and_else_ends_with_the_browser(client, mina):
    sign_in(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == ""
    other = Client()
    sign_in(other, remember="on")
    assert other.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == timedelta(days=30).total_seconds()


def test_the_session_of_before_is_not_the_one_after(client, mina):
    client.post("/sign-in", {"login": mina.email, "password": "wrong"})
    client.session["probe"] = 1
    session = client.session
    session["probe"] = 1
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = before = session.session_key
    sign_in(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/audit", "/audit"),
        ("/audit?verb=x", "/audit?verb=x"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("http:evil.example", "/"),
        ("", "/"),
    ],
)
def test_next_leads_on_only_within_the_console(client, mina, wanted, reached):
    assert sign_in(client, next=wanted)["Location"] == reached


def test_a_page_that_needs_a_person_leads_back_after_signing_in(client, mina):
    answer = client.get("/account")
    assert answer["Location"] == "/sign-in?next=/account"
    page = client.get(answer["Location"]).content.decode()
    assert '<input type="hidden" name="next" value="/account">' in page


def test_whoever_is_signed_in_is_sent_on(browser):
    assert browser.get("/sign-in")["Location"] == "/"


def test_signing_out_takes_a_post_and_is_written_down(browser, mina):
    assert browser.get("/sign-out").status_code == 200
    assert is_signed_in(browser)
    assert browser.post("/sign-out")["Location"] == "/sign-in"
    assert not is_signed_in(browser)
    assert AuditEvent.objects.get(verb="account.signed_out").actor_id == mina.pk


def test_the_page_is_never_stored_and_offers_nothing_that_leads_nowhere(client, db):
    answer = client.get("/sign-in")
    assert "no-store" in answer["Cache-Control"]
    page = answer.content.decode()
    for word in ("SSO", "Demo sign-ins"):
        assert word not in page


def test_the_password_is_in_no_error_report(client, mina, settings, monkeypatch):
    """Django's report of an exception hides what the view names sensitive."""
    from django.views.debug import SafeExceptionReporterFilter

    seen = {}

    def fails(self, form):
        seen["post"] = SafeExceptionReporterFilter().get_post_parameters(self.request)
        raise RuntimeError

    monkeypatch.setattr("apps.accounts.views.sign_in.SignIn.form_valid", fails)
    client.raise_request_exception = False
    sign_in(client)
    assert seen["post"]["password"] != PASSWORD


def test_without_a_csrf_token_nothing_happens(mina):
    strict = Client(enforce_csrf_checks=True)
    assert sign_in(strict).status_code == 403
    assert not is_signed_in(strict)
