"""Neither a browser nor anything on the way keeps what is about somebody's account, or a secret."""

import pytest
from django.test import Client
from django.urls import get_resolver

from apps.accounts.models import User
from tests.accounts.conftest import PASSWORD
from tests.matrix.routes import walk

pytestmark = pytest.mark.django_db


def below_the_account() -> list[str]:
    paths = [path for path, _view in walk(get_resolver("portal.urls").url_patterns)]
    found = [path for path in paths if f"{path}/".startswith("/account/")]
    assert {"/account", "/account/tokens", "/account/recovery-codes", "/account/identities/{pk}/unlink"} <= set(found)
    return found


@pytest.mark.parametrize("path", below_the_account())
@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_nothing_below_the_account_is_kept(browser: Client, path: str, method: str) -> None:
    """Also not its refusals, and what leads on from it."""
    browser.post("/account/confirm?next=/account", {"password": PASSWORD})
    answer = getattr(browser, method)(path.replace("{pk}", "x").replace("{slug}", "x"))
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]


def test_a_made_token_is_in_no_cache(browser: Client, mina: User) -> None:
    browser.post("/account/confirm?next=/account", {"password": PASSWORD})
    made = browser.post("/account/tokens/new", {"name": "CLI", "scopes": ["account:read"], "expires_at": "2099-01-01"})
    assert "no-store" in made["Cache-Control"]


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/sign-in/forgot", "/link/no-such-token"])
def test_pages_before_the_account_are_not_kept_either(client: Client, path: str) -> None:
    assert "no-store" in client.get(path)["Cache-Control"]
