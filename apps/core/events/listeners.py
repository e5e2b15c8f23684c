"""Who is behind a stream, and what they may hear: asked for many streams in a few queries."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.core.exceptions import ValidationError
from django.db import DatabaseError, close_old_connections
from django.utils.crypto import constant_time_compare

from apps.core.clock import now
from apps.core.events.topics import may_listen

logger = logging.getLogger(__name__)

# Of each person's id the tenants they are in; None is all of them
FindTenants = Callable[[Iterable[Any]], Mapping[str, frozenset[str] | None]]


@dataclass(frozen=True, slots=True)
class Claim:
    """A stream's session and the topics it wants or has."""

    session_key: str
    topics: frozenset[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`person_id` is empty where the session isn't, or isn't any longer, that of an active person.

    Events of other tenants than `tenants` don't reach them, whatever the rules of the topics say; None is all tenants.
    """

    person_id: str = ""
    refused: frozenset[str] = field(default_factory=frozenset)
    tenants: frozenset[str] | None = frozenset()


_find_tenants: FindTenants = lambda people: {}  # noqa: E731


def register_tenants(find: FindTenants) -> None:
    """Say how the tenants of people are found, who hear nothing of the others. Asked as often as the topics' rules."""
    global _find_tenants
    _find_tenants = find


def judge(claims: Sequence[Claim]) -> list[Verdict]:
    """A verdict for each claim. Four queries, plus what the rule of each different topic of a person asks."""
    close_old_connections()
    people = _people(claim.session_key for claim in claims)
    tenants = _find_tenants({person.pk: person for person in people.values()}.values())
    known: dict[tuple[str, str], bool] = {}
    verdicts = []
    for claim in claims:
        person = people.get(claim.session_key)
        if person is None:
            verdicts.append(Verdict())
            continue
        refused = set()
        for topic in claim.topics:
            key = (person.pk, topic)
            if key not in known:
                known[key] = _may_listen(person, topic)
            if not known[key]:
                refused.add(topic)
        verdicts.append(Verdict(person.pk, frozenset(refused), tenants.get(person.pk, frozenset())))
    return verdicts


def _may_listen(person: Any, topic: str) -> bool:
    """A rule that fails refuses its own topic and cuts nobody else's stream."""
    try:
        return may_listen(person, topic)
    except DatabaseError:
        raise
    # Rules are written by the apps, and this runs for everybody's streams at once
    except Exception:
        logger.exception("The rule for the topic %s fails", topic)
        return False


def _people(session_keys: Iterable[str]) -> dict[str, Any]:
    """The active person of each session that is still valid, by the same rules as `django.contrib.auth.get_user`."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    # Of a session's key only a hash is kept
    asked = {store.stored_key(session_key): session_key for session_key in session_keys}
    rows = store.get_model_class().objects.filter(session_key__in=asked, expire_date__gt=now())
    signed_in: dict[str, tuple[Any, str]] = {}
    for row in rows:
        data = row.get_decoded()
        if SESSION_KEY in data and data.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS:
            signed_in[asked[row.session_key]] = (data[SESSION_KEY], data.get(HASH_SESSION_KEY, ""))
    people = _active_people({person_id for person_id, _ in signed_in.values()})
    return {
        session_key: people[person_id]
        for session_key, (person_id, session_hash) in signed_in.items()
        if person_id in people and _is_of_password(people[person_id], session_hash)
    }


def _active_people(ids: set[Any]) -> dict[str, Any]:
    try:
        found = get_user_model()._default_manager.filter(pk__in=ids, is_active=True)
        return {str(person.pk): person for person in found}
    except ValidationError:
        return {}


def _is_of_password(person: Any, session_hash: str) -> bool:
    """A changed password ends every session that was opened with the one before."""
    hashes = (person.get_session_auth_hash(), *person.get_session_auth_fallback_hash())
    return any(constant_time_compare(session_hash, each) for each in hashes)
