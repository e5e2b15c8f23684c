"""How tests look at pages: as somebody, and as HTMX."""

from django.test import Client

from apps.accounts.models import User
from tests.access.tokens import confirm

IN_DIALOG = {"HX-Request": "true", "HX-Target": "dialog"}


def as_(person: User) -> Client:
    """A mistake is answered as it is in production, not raised into the test."""
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


def confirmed_as(person: User) -> Client:
    """Somebody who has just shown again who they are."""
    client = as_(person)
    confirm(client, person)
    return client
