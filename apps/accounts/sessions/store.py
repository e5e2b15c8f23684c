"""Sessions in the database, each with the person who signed in: one query finds both.

The person is loaded ahead and nothing more. Whether the session is theirs is still decided by Django, from the signed
data and the hash in it; the column alone lets nobody in. The key in the cookie is kept as a hash, and is another one
after each sign-in and each time that somebody has shown again who they are.
"""

import hashlib
from datetime import timedelta
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import connection, transaction
from django.db.models import Model
from django.http import HttpRequest

from apps.accounts.models import Session, User
from apps.accounts.sessions.browsers import network_of, read_browser
from apps.audit.services import ANONYMOUS, record
from apps.core import clock
from apps.core.events import publish

# "Last seen" is no more exact than this, so that reading a page rarely writes
SEEN_AGAIN_AFTER = timedelta(minutes=1)


def stored_key(session_key: str) -> str:
    """What is kept of a key. It's as random as a key can be, so a plain hash can't be turned back."""
    return hashlib.sha256(session_key.encode(errors="replace")).hexdigest()


class SessionStore(db.SessionStore):
    """SESSION_ENGINE names this module; Django looks for a class of this name in it."""

    # Of the row that was loaded or saved
    person: User | None = None
    row: Session | None = None
    # Who asks, as the middleware tells; nobody in a task or a test
    user_agent = ""
    address = ""
    is_unfamiliar = False

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    @classmethod
    def stored_key(cls, session_key: str) -> str:
        return stored_key(session_key)

    def load(self) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute(_statement(), [stored_key(self.session_key or ""), clock.now()])
            found = cursor.fetchone()
        if found is None:
            self._session_key = None
            return {}
        own = len(_columns(Session))
        row = Session.from_db(connection.alias, _columns(Session), found[:own])
        person = User.from_db(connection.alias, _columns(User), found[own:])
        # Nobody's session is joined with nothing but nulls
        if person.pk and self._is_elsewhere(row):
            self._refuse(row, person)
            self._session_key = None
            return {}
        self.row = row
        self.person = person if person.pk else None
        return self.decode(row.session_data)

    def create(self) -> None:
        self.row = None
        super().create()

    def cycle_key(self) -> None:
        """Another key for the same session."""
        self._get_session()  # type: ignore[attr-defined]
        if self.row is None:
            self.create()
            return
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
        try:
            self.save()
        except UpdateError:
            raise SessionInterrupted("The session ended while it was given another key.") from None
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Under the key that it was read by, or under another one that it gets now.

        A slow request still has the key of before. Saving by the row alone would bring that key back, and end the new.
        """
        known = self.row
        if must_create or known is None or self.session_key is None:
            super().save(must_create=must_create)
            return
        row = self.create_model_instance(self._get_session())  # type: ignore[attr-defined]
        values = {name: getattr(row, name) for name in _columns(Session) if name != "id"}
        found = Session.objects.filter(pk=known.pk)
        if row.session_key == known.session_key:
            found = found.filter(session_key=known.session_key)
        if not found.update(**values):
            raise UpdateError

    def flush(self) -> None:
        super().flush()
        self.row = self.person = None

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=stored_key(session_key)).exists()

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            Session.objects.filter(session_key=stored_key(key)).delete()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        now = clock.now()
        known = self.row
        row = Session(
            session_key=stored_key(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self._ends_at(),
            person_id=data.get(auth.SESSION_KEY),
            user_agent=self.user_agent[:400] or (known.user_agent if known else ""),
            address=self.address or (known.address if known else ""),
            signed_in_at=now,
            last_seen_at=now,
            is_unfamiliar=self.is_unfamiliar,
        )
        if known is not None:
            row.pk = known.pk
            if known.person_id == row.person_id:
                row.signed_in_at, row.is_unfamiliar = known.signed_in_at, known.is_unfamiliar
        self.row = row
        return row

    def note_visit(self) -> None:
        """Write down when and where the session was used, once a minute at most."""
        row, now = self.row, clock.now()
        if row is None or now - row.last_seen_at < SEEN_AGAIN_AFTER:
            return
        row.last_seen_at = now
        row.user_agent, row.address = self.user_agent[:400] or row.user_agent, self.address or row.address
        changed = {"last_seen_at": now, "user_agent": row.user_agent, "address": row.address}
        if self.get_expire_at_browser_close():
            changed["expire_date"] = row.expire_date = self._ends_at()
        # Not saved: a row that was deleted meanwhile must not come back
        Session.objects.filter(pk=row.pk).update(**changed)

    def _ends_at(self) -> Any:
        """A cookie that goes with the browser is kept by browsers that reopen their tabs, so this end is ours."""
        if self.get_expire_at_browser_close():
            return clock.now() + settings.SESSION_UNUSED_END
        return self.get_expiry_date()

    def _is_elsewhere(self, row: Session) -> bool:
        """Another browser in another network has the cookie.

        Either alone is everyday: a phone leaves the house, and developers let their browser pose as a phone.
        """
        if not (row.user_agent and row.address and self.address):
            return False
        if read_browser(row.user_agent).kind == read_browser(self.user_agent).kind:
            return False
        return network_of(row.address) != network_of(self.address)

    def _refuse(self, row: Session, person: User) -> None:
        """Whoever took the cookie has nothing of it, and its owner learns of it by having to sign in."""
        with transaction.atomic():
            Session.objects.filter(pk=row.pk).delete()
            before = {"browser": str(row.browser), "address": row.address}
            after = {"browser": str(read_browser(self.user_agent)), "address": self.address}
            record(actor=ANONYMOUS, verb="account.session_refused", target=person, before=before, after=after)
            publish(f"account:{person.pk}", "session-ended", row.pk)


@cache
def _statement() -> str:
    """The one query that every signed-in request makes: Django takes longer to write it than PostgreSQL to answer."""
    query = Session.objects.filter(session_key="").filter(expire_date__gt=clock.now()).query
    return str(query.sql_with_params()[0])


@cache
def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def store_of(request: HttpRequest) -> SessionStore:
    return cast(SessionStore, request.session)
