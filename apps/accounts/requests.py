"""Whom a request is from."""

from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.errors import NotFound


def person_of(request: HttpRequest) -> User:
    """Whoever is signed in. For anybody else there's nothing here."""
    if not isinstance(request.user, User):
        raise NotFound
    return request.user
