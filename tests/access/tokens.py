"""Tokens for tests, and requests that come with one."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client

from apps.access import services
from apps.access.models import AccessToken
from apps.accounts.models import User
from apps.core import clock
from tests.people import PASSWORD, Api

ACCOUNT = ("account:read", "account:write")


def make_token(person: User, *scopes: str, days: int = 30, name: str = "release-bot", **fields: Any) -> AccessToken:
    """With its text in `.secret`; may look after the account unless it's said otherwise."""
    return services.create_token(
        actor=person,
        name=name,
        scopes=scopes or ACCOUNT,
        expires_at=clock.now() + timedelta(days=days),
        **fields,
    )


def text_of(token: AccessToken) -> str:
    assert token.secret is not None
    return token.secret.reveal()


class TokenApi(Api):
    """A program's requests: no session, no cookie, a token in each."""

    def __init__(self, token: AccessToken | str) -> None:
        super().__init__()
        sent = token if isinstance(token, str) else text_of(token)
        self.client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {sent}"})


def confirmed(person: User) -> Api:
    """A session that has just said who it is."""
    api = Api(person)
    confirm(api.client, person)
    return api


def confirm(client: Client, person: User) -> HttpResponse:
    answer: HttpResponse = client.post("/account/confirm?next=/account/tokens", {"password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return answer
