"""Somebody signs in through the running provider: their browser here, and the same browser there."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User
from tests.sso.running import RunningProvider, Visitor

CLAES = {
    "email": "claes@tidewater.example",
    "email_verified": True,
    "name": "Claes Wikström",
    "groups": ["staff", "imp-developers"],
}


class Visit:
    def __init__(self, oidc: RunningProvider, client: Client) -> None:
        self.oidc = oidc
        self.client = client
        self.visitor = Visitor()
        self.returned = ""
        self.knows(**CLAES)

    def knows(self, login: str = "claes", **claims: Any) -> None:
        """What the provider knows about somebody."""
        self.oidc.set(people={login: claims})

    def leave(self, path: str = "/sso/keycloak") -> str:
        """To the provider: the address that the button leads to."""
        answer = self.client.get(path)
        assert answer.status_code == 302, answer.content.decode()
        return str(answer["Location"])

    def come_back(self, url: str, *, login: str = "claes", cancels: bool = False) -> HttpResponse:
        """Through the provider's forms and back to us, with what the provider answers."""
        self.returned = self.visitor.go(url, login=login, cancels=cancels)
        return self.open(self.returned)

    def open(self, url: str) -> HttpResponse:
        parts = urlsplit(url)
        return self.client.get(f"{parts.path}?{parts.query}")

    def sign_in(self, *, login: str = "claes", path: str = "/sso/keycloak") -> HttpResponse:
        return self.come_back(self.leave(path), login=login)

    def person(self) -> User | None:
        """Who is signed in here."""
        found = self.client.session.get("_auth_user_id")
        return User.objects.get(pk=found) if found else None


def fields_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
