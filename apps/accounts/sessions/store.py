"""Sessions in the database, each with the person who signed in: one query finds both.

The person is loaded ahead and nothing more. Whether the session is theirs is still decided by Django, from the signed
data and the hash in it; the column alone lets nobody in. The key in the cookie is kept as a hash, and is another one
after each sign-in and each time that somebody has shown again who they are.

The answer that brings the new key may be lost, when somebody leaves the page meanwhile or presses the button twice. So
the key that a confirmation gives waits for its first use, and only it leads to what the confirmation allows. Until then
the key of before leads to the session as it was before: nobody is signed out, and whoever else knows that key has won
nothing. Once the new one is used, the old one lets requests that are still on their way read, for some seconds and in
the same browser.
"""

import hashlib
from datetime import timedelta
from functools import cache
from typing import Any, cast

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.http import HttpRequest

from apps.accounts.models import Session, SessionKey, User
from apps.accounts.sessions.browsers import network_of, read_browser
from apps.audit.services import ANONYMOUS, record
from apps.core import clock
from apps.core.events import publish

# "Last seen" is no more exact than this, so that reading a page rarely writes
SEEN_AGAIN_AFTER = timedelta(minutes=1)
# As long as a request may have been on its way when the key was replaced
KEY_OF_BEFORE_FOR = timedelta(seconds=10)


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
    is_safe = True
    is_unfamiliar = False
    # The key that this request is answered with, and that hasn't been used yet
    waiting: SessionKey | None = None
    # Came with a key of before: reads, and changes nothing
    is_past = False

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
            return self._load_by_other_key()
        own = len(_columns(Session))
        row = Session.from_db(connection.alias, _columns(Session), found[:own])
        person = User.from_db(connection.alias, _columns(User), found[own:])
        # Nobody's session is joined with nothing but nulls
        return self._begin(row, person if person.pk else None)

    def _begin(self, row: Session, person: User | None) -> dict[str, Any]:
        if person and self._is_elsewhere(row):
            self._refuse(row, person)
            return self._load_nothing()
        self.row = row
        self.person = person
        return self.decode(row.session_data)

    def _load_nothing(self) -> dict[str, Any]:
        self._session_key = None
        return {}

    def _load_by_other_key(self) -> dict[str, Any]:
        now = clock.now()
        known = SessionKey.objects.filter(key=stored_key(self.session_key or ""), session__expire_date__gt=now)
        other = known.exclude(ends_at__lte=now).select_related("session__person").first()
        if other is None:
            return self._load_nothing()
        row = other.session
        if row.person and self._is_elsewhere(row):
            return self._begin(row, row.person)
        if other.session_data:
            row = _turn_to(other)
        if row.session_key != other.key:
            return self._load_by_key_of_before(row)
        return self._begin(row, row.person)

    def _load_by_key_of_before(self, row: Session) -> dict[str, Any]:
        """The session without what was confirmed in it, for what was sent before the browser had the new key."""
        if row.user_agent != self.user_agent[:400]:
            return self._load_nothing()
        # The key stays in hand, so that the answer doesn't take the new one away from the browser
        self.is_past = True
        if not self.is_safe:
            return {}
        data = self._begin(row, row.person)
        records = data.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
        data[AUTHENTICATION_METHODS_SESSION_KEY] = [each for each in records if not each.get("reauthenticated")]
        return data

    def create(self) -> None:
        self.row = None
        super().create()

    @property
    def modified(self) -> bool:
        """Whether the answer saves the session and sends its key along: not a key of before, over the new one."""
        return self._is_modified and not self.is_past

    @modified.setter
    def modified(self, value: bool) -> None:
        self._is_modified = value

    def give_key(self) -> None:
        """Another key for the same session, which counts from its first use on, with what is put in from here on."""
        data = self._get_session()  # type: ignore[attr-defined]
        if self.row is None:
            self.create()
            return
        key = self._get_new_session_key()  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                # Not while it's revoked or turned to another key
                Session.objects.select_for_update(of=("self",)).get(pk=self.row.pk)
                self.waiting = SessionKey.objects.create(
                    key=stored_key(key), session_id=self.row.pk, session_data=self.encode(data)
                )
        except (Session.DoesNotExist, IntegrityError):
            raise SessionInterrupted("The session ended while it was given another key.") from None
        self._session_key = key
        self.modified = True

    def cycle_key(self) -> None:
        """Another key for the same session, in place of all others, such as after a new password."""
        self._get_session()  # type: ignore[attr-defined]
        if self.row is None:
            self.create()
            return
        self._require_present()
        SessionKey.objects.filter(session_id=self.row.pk).delete()
        self.waiting = None
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
        if self.waiting is not None and not must_create:
            data = self.encode(self._get_session())  # type: ignore[attr-defined]
            if not SessionKey.objects.filter(pk=self.waiting.pk).update(session_data=data):
                raise UpdateError
            return
        self._require_present()
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
        self._require_present()
        if self.waiting is not None:
            # The row is still under the key of before
            Session.objects.filter(pk=self.waiting.session_id).delete()
        super().flush()
        self.row = self.person = self.waiting = None

    def _require_present(self) -> None:
        if self.is_past:
            raise SessionInterrupted("This came with the key of before, by which nothing is changed.")

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


def _turn_to(other: SessionKey) -> Session:
    """The first use of a key that waited: from now on it is the session's, and the others end in a moment."""
    with transaction.atomic():
        row = Session.objects.select_for_update(of=("self",)).get(pk=other.session_id)
        waiting = SessionKey.objects.filter(pk=other.pk).exclude(session_data="").first()
        if waiting is None:
            # Another request was first
            return row
        ends_at = clock.now() + KEY_OF_BEFORE_FOR
        SessionKey.objects.filter(session_id=row.pk, ends_at__isnull=True).update(ends_at=ends_at)
        SessionKey.objects.filter(pk=other.pk).update(session_data="")
        before = {"session_id": row.pk, "session_data": "", "ends_at": ends_at}
        SessionKey.objects.update_or_create(key=row.session_key, defaults=before)
        row.session_key, row.session_data = waiting.key, waiting.session_data
        row.save(update_fields=["session_key", "session_data"])
    return row


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
