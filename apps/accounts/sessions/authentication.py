"""Who a request is from, in the one query that finds the session."""

from contextvars import ContextVar
from typing import Any, cast

from allauth.account import auth_backends
from django.contrib.auth import middleware
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import User
from apps.accounts.sessions.store import SessionStore, store_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_session: ContextVar[SessionStore | None] = ContextVar("imp_session", default=None)


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    """Django's, with the session's person at hand when it's asked for the request's."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        session = store_of(request)
        session.user_agent = request.headers.get("User-Agent", "")
        session.address = request.META.get("REMOTE_ADDR", "")
        session.is_safe = request.method in SAFE_METHODS
        request.user = SimpleLazyObject(lambda: _get_user(request))  # type: ignore[assignment]


def _get_user(request: HttpRequest) -> Any:
    session = store_of(request)
    token = _session.set(session)
    try:
        user = middleware.get_user(request)
    finally:
        _session.reset(token)
    if user.is_authenticated:
        session.note_visit()
    return user


class AuthenticationBackend(auth_backends.AuthenticationBackend):
    def get_user(self, user_id: str) -> User | None:
        session = _session.get()
        if session is None or session.person is None or session.person.pk != user_id:
            return cast(User | None, super().get_user(user_id))
        return session.person if self.user_can_authenticate(session.person) else None
