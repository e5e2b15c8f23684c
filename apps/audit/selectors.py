from typing import Any

from django.db.models import Model, Q, QuerySet

from apps.audit.models import AuditEvent

# Newest first, continued by key; every index of the table serves it
ORDER = ("-at", "-id")


def list_events(*, actor: Any) -> QuerySet[AuditEvent]:
    """Operators read everything; a person what they did, and what was done to their account."""
    if not actor.is_authenticated:
        return AuditEvent.objects.none()
    events = AuditEvent.objects.order_by(*ORDER)
    if actor.is_staff:
        return events
    return events.filter(Q(actor_id=actor.pk) | Q(target_type="user", target_id=actor.pk))


def get_event(*, actor: Any, event_id: str) -> AuditEvent:
    return list_events(actor=actor).get(pk=event_id)


def can_listen(person: Any, ref: str) -> bool:
    """The topic `audit` tells of everything, `audit:<person>` of what that person did."""
    return bool(person.is_authenticated and (person.is_staff or (ref and ref == person.pk)))


def last_event(*, verb: str, target: Model) -> AuditEvent | None:
    """The newest event of one kind about one object, for what a page says about its past."""
    about = AuditEvent.objects.filter(target_type=target._meta.model_name, target_id=target.pk)
    return about.filter(verb=verb).order_by(*ORDER).first()


def list_addresses(*, actor: Model, verb: str, limit: int) -> list[str]:
    """From where somebody did something of late, each address once."""
    latest = AuditEvent.objects.filter(actor_id=actor.pk, verb=verb).order_by(*ORDER)
    return list(dict.fromkeys(str(address) for address in latest.values_list("address", flat=True)[:limit] if address))
