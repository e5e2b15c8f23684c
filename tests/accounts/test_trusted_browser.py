"""A browser that isn't asked for the code, because its person said so."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from tests.accounts.codes import code_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_second_factor import recovery_codes

pytestmark = pytest.mark.django_db

BOX = 'name="trust"'


def sign_in(client: Client, email: str = "mina@tidewater.example", password: str = PASSWORD) -> str:
    """Where the password alone leads."""
    client.cookies.pop("sessionid", None)
    return client.post("/sign-in", {"login": email, "password": password, "next": "/account"})["Location"]


@pytest.fixture
def trusted(secret: str) -> Client:
    client = Client()
    assert sign_in(client) == "/sign-in/code"
    assert BOX in client.get("/sign-in/code").content.decode()
    answer = client.post("/sign-in/code", {"code": code_of(secret, periods=1), "trust": "on"})
    assert answer["Location"] == "/account"
    cookie = answer.cookies["mfa_trusted"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 30 * 24 * 3600)
    return client


def test_it_is_not_asked_again_and_others_are(trusted: Client, mina: User) -> None:
    assert sign_in(trusted) == "/account"
    assert sign_in(Client()) == "/sign-in/code"
    assert AuditEvent.objects.get(verb="account.browser_trusted").actor_id == mina.pk


def test_without_the_box_it_is_asked_each_time(secret: str) -> None:
    client = Client()
    sign_in(client)
    assert client.post("/sign-in/code", {"code": code_of(secret, periods=1)}).status_code == 302
    assert sign_in(client) == "/sign-in/code"
    assert not AuditEvent.objects.filter(verb="account.browser_trusted").exists()


def test_it_is_asked_again_after_thirty_days(trusted: Client) -> None:
    with time_machine.travel(clock.now() + timedelta(days=29, hours=23)):
        assert sign_in(trusted) == "/account"
    with time_machine.travel(clock.now() + timedelta(days=30, minutes=1)):
        assert sign_in(trusted) == "/sign-in/code"


def test_it_is_asked_again_after_a_new_password(trusted: Client, mina: User) -> None:
    mina.set_password("another-tide-4711")
    mina.save()
    assert sign_in(trusted, password="another-tide-4711") == "/sign-in/code"


def test_it_is_asked_again_after_another_second_factor(trusted: Client, mina: User) -> None:
    app = Authenticator.objects.get(user=mina, type=Authenticator.Type.TOTP)
    app.delete()
    Authenticator.objects.create(user=mina, type=Authenticator.Type.TOTP, data=app.data)
    assert sign_in(trusted) == "/sign-in/code"


def test_it_counts_for_nobody_else(trusted: Client, mina: User) -> None:
    other = User.objects.create_user("juno@tidewater.example", PASSWORD)
    for kept in Authenticator.objects.filter(user=mina):
        Authenticator.objects.create(user=other, type=kept.type, data=kept.data)
    assert sign_in(trusted, other.email) == "/sign-in/code"


def test_a_recovery_code_makes_no_browser_trusted(secret: str, browser: Client) -> None:
    code = recovery_codes(browser)[0]
    client = Client()
    sign_in(client)
    assert BOX not in client.get("/sign-in/code?recovery=1").content.decode()
    answer = client.post("/sign-in/code?recovery=1", {"code": code, "trust": "on"})
    assert answer["Location"] == "/account"
    assert "mfa_trusted" not in answer.cookies


def test_operators_are_asked_in_every_browser(trusted: Client, secret: str, mina: User) -> None:
    User.objects.filter(pk=mina.pk).update(is_staff=True)
    assert sign_in(trusted) == "/sign-in/code"
    assert BOX not in trusted.get("/sign-in/code").content.decode()
    with time_machine.travel(clock.now() + timedelta(minutes=5)):
        answer = trusted.post("/sign-in/code", {"code": code_of(secret), "trust": "on"})
    assert answer["Location"] == "/account"
    assert "mfa_trusted" not in answer.cookies
