"""Sessions in the database, each with the person who signed in: one query finds both.

The person is loaded ahead and nothing more. Whether the session is theirs is still decided by Django, from the signed
data and the hash in it; the column alone lets nobody in.
"""

from contextvars import ContextVar
from typing import Any, cast

from allauth.account import auth_backends
from django.contrib import auth
from django.contrib.auth import middleware
from django.contrib.sessions.backends import db
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import Session, User


class SessionStore(db.SessionStore):
    """SESSION_ENGINE names this module; Django looks for a class of this name in it."""

    # of the row that was loaded
    person: User | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        row: Session | None = self._get_session_from_db()  # type: ignore[attr-defined]
        if row is None:
            return {}
        self.person = row.person
        return self.decode(row.session_data)

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.person_id = data.get(auth.SESSION_KEY)
        return row


_session: ContextVar[SessionStore | None] = ContextVar("imp_session", default=None)


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    """Django's, with the session's person at hand when it's asked for the request's."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _get_user(request))  # type: ignore[assignment]


def _get_user(request: HttpRequest) -> Any:
    token = _session.set(request.session)  # type: ignore[arg-type]
    try:
        return middleware.get_user(request)
    finally:
        _session.reset(token)


class AuthenticationBackend(auth_backends.AuthenticationBackend):
    def get_user(self, user_id: str) -> User | None:
        session = _session.get()
        if session is None or session.person is None or session.person.pk != user_id:
            return cast(User | None, super().get_user(user_id))
        return session.person if self.user_can_authenticate(session.person) else None
