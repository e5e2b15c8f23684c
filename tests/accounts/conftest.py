import pytest
from django.test import Client

from apps.accounts.models import User
from tests.accounts.codes import code_of, secret_on

PASSWORD = "a-long-tide-4711"


@pytest.fixture
def mina(db: None) -> User:
    return User.objects.create_user("mina@tidewater.example", PASSWORD, name="Mina")


@pytest.fixture
def browser(mina: User) -> Client:
    """Mina's browser, signed in by the form."""
    client = Client()
    answer = client.post("/sign-in", {"login": mina.email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


@pytest.fixture
def secret(browser: Client, mina: User) -> str:
    """Mina has turned on the second factor; this is the key in her app."""
    browser.post("/account/confirm?next=/account", {"password": PASSWORD})
    key = secret_on(browser.get("/account/second-factor/on").content.decode())
    answer = browser.post("/account/second-factor/on", {"code": code_of(key)})
    assert (answer.status_code, answer["Location"]) == (302, "/account/recovery-codes")
    return key
