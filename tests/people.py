"""The people of the tests, and how they ask the API."""

from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User
from apps.accounts.second_factor.adapter import secrets_of

PASSWORD = "correct-horse-battery"


def make_person(name: str, **fields: Any) -> User:
    return User.objects.create_user(
        email=f"{name.lower()}@tidewater.example", password=PASSWORD, name=name.capitalize(), **fields
    )


def give_second_factor(person: User) -> None:
    """As if they had set one up before they signed in."""
    with secrets_of(person):
        TOTP.activate(person, generate_totp_secret())


class Api:
    """Somebody's requests to the API: JSON in and out. `None` is somebody who hasn't signed in."""

    def __init__(self, person: User | None = None, *, check_csrf: bool = False) -> None:
        self.person = person
        self.client = Client(enforce_csrf_checks=check_csrf, raise_request_exception=False)
        if person is not None:
            self.client.force_login(person)

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        return self.client.get(path, query, headers=_headers(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._send("post", path, body, headers)

    def put(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._send("put", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._send("patch", path, body, headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self.client.delete(path, headers=_headers(headers))

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> HttpResponse:
        content: dict[str, Any] = {} if body is None else {"data": body, "content_type": "application/json"}
        if isinstance(body, bytes):
            content["data"] = body
        response: HttpResponse = getattr(self.client, method)(path, headers=_headers(headers), **content)
        return response


def _headers(named: dict[str, str]) -> dict[str, str]:
    """`if_match="…"` is the header If-Match."""
    return {name.replace("_", "-"): value for name, value in named.items()}
