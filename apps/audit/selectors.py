from collections.abc import Callable, Collection
from typing import Any

from django.db.models import Model, Q

from apps.audit.models import AuditEvent, AuditEventQuerySet

# Newest first, continued by key; every index of the table serves it
ORDER = ("-at", "-id")


def list_events(*, actor: Any, tenants: Collection[str] = ()) -> AuditEventQuerySet:
    """Who may reads everything; a person what they did, and what was done to their account.

    Of what they did for tenants they read what happened in `tenants`, the ones they are in now: somebody who left
    takes nothing with them.
    """
    if not actor.is_authenticated:
        return AuditEvent.objects.none()
    events = AuditEvent.objects.order_by(*ORDER)
    if may_read_all(actor):
        return events
    return list_own_events(actor=actor, tenants=tenants)


def list_own_events(*, actor: Any, tenants: Collection[str] = ()) -> AuditEventQuerySet:
    """Also an operator's: what concerns this person, and not what the platform's people did."""
    concerned = Q(actor_id=actor.pk) | Q(target_type="user", target_id=actor.pk)
    return AuditEvent.objects.filter(concerned, tenant_id__in=["", *tenants]).order_by(*ORDER)


MayRead = Callable[[Any, str], bool]
_may_read_log_of: MayRead = lambda person, tenant_id: False  # noqa: E731


def register_readers(may_read: MayRead) -> None:
    """Say who may read a tenant's log, by the person and the tenant's id; without one the whole. Nobody till then."""
    global _may_read_log_of
    _may_read_log_of = may_read


def may_read_all(person: Any) -> bool:
    return bool(person.is_authenticated) and _may_read_log_of(person, "")


def can_listen(person: Any, ref: str) -> bool:
    """The topic `audit` tells of everything, `audit:<person>` of what that person did, `audit:<tenant>` of its log."""
    if not person.is_authenticated:
        return False
    return bool(ref and ref == person.pk) or _may_read_log_of(person, ref)


def last_event(*, verb: str, target: Model) -> AuditEvent | None:
    """The newest event of one kind about one object, for what a page says about its past."""
    about = AuditEvent.objects.filter(target_type=target._meta.model_name, target_id=target.pk)
    return about.filter(verb=verb).order_by(*ORDER).first()


def list_addresses(*, actor: Model, verb: str, limit: int) -> list[str]:
    """From where somebody did something of late, each address once."""
    latest = AuditEvent.objects.filter(actor_id=actor.pk, verb=verb).order_by(*ORDER)
    return list(dict.fromkeys(str(address) for address in latest.values_list("address", flat=True)[:limit] if address))
