"""Sessions in the database, each with the person who signed in: one query finds both.

The person is loaded ahead and nothing more. Whether the session is theirs is still decided by Django, from the signed
data and the hash in it; the column alone lets nobody in.
"""

from contextvars import ContextVar
from functools import cache
from typing import Any, cast

from allauth.account import auth_backends
from django.contrib import auth
from django.contrib.auth import middleware
from django.contrib.sessions.backends import db
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import Session, User
from apps.core import clock


class SessionStore(db.SessionStore):
    """SESSION_ENGINE names this module; Django looks for a class of this name in it."""

    # of the row that was loaded
    person: User | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute(_statement(), [self.session_key, clock.now()])
            found = cursor.fetchone()
        if found is None:
            self._session_key = None
            return {}
        own = len(_columns(Session))
        row = Session.from_db(connection.alias, _columns(Session), found[:own])
        person = User.from_db(connection.alias, _columns(User), found[own:])
        # Nobody's session is joined with nothing but nulls
        self.person = person if person.pk else None
        return self.decode(row.session_data)

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.person_id = data.get(auth.SESSION_KEY)
        return row


@cache
def _statement() -> str:
    """The one query that every signed-in request makes: Django takes longer to write it than PostgreSQL to answer."""
    query = Session.objects.filter(session_key="").filter(expire_date__gt=clock.now()).query
    return str(query.sql_with_params()[0])


@cache
def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


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
