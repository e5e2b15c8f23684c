from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import models, transaction
from django.utils.translation import gettext_noop

from apps.audit.changes import masked
from apps.audit.models import AuditEvent
from apps.audit.selectors import may_read_all
from apps.audit.verbs import VERBS
from apps.core import context, events


class Actor(Protocol):
    """Anyone who does something: a person, or one of the two below."""

    @property
    def pk(self) -> Any: ...


@dataclass(frozen=True)
class NoPerson:
    """An actor without an account."""

    label: str
    pk: str = ""

    def __str__(self) -> str:
        return self.label


SYSTEM = NoPerson(gettext_noop("The system"))
ANONYMOUS = NoPerson(gettext_noop("Someone not signed in"))


@dataclass(frozen=True)
class Target:
    """What something was done to, where there is no row to point at."""

    type: str
    id: str = ""
    label: str = ""


def record(
    *,
    actor: Actor,
    verb: str,
    target: models.Model | Target,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    tenant_id: str | None = None,
) -> AuditEvent:
    """Write down what the caller did, in the caller's transaction: both happen, or neither.

    Outside of a transaction it refuses, as the change and its event could then part. It goes into the log of the
    tenant that owns the target, or else of the one that the actor acts in.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            f"{verb} is recorded outside of a transaction. Wrap the change and record() in transaction.atomic()."
        )
    if verb not in VERBS:
        raise ValueError(f"{verb!r} isn't a verb of the audit log. Add it to apps/audit/verbs.py.")
    around = context.current()
    subject = _target_of(target)
    event = AuditEvent.objects.create(
        actor_id=str(actor.pk or ""),
        actor_label=_short(str(actor)),
        verb=verb,
        target_type=subject.type,
        target_id=subject.id,
        target_label=_short(subject.label),
        before=masked(before),
        after=masked(after),
        request_id=around.request_id,
        task_id=around.task_id,
        address=around.address,
        token_id=around.token_id,
        token_label=_short(around.token),
        tenant_id=_tenant_of(actor, target) if tenant_id is None else tenant_id,
    )
    events.publish("audit", "recorded", event.pk)
    if event.actor_id:
        events.publish(f"audit:{event.actor_id}", "recorded", event.pk)
    if event.tenant_id:
        events.publish(f"audit:{event.tenant_id}", "recorded", event.pk)
    return event


def topics_for(person: Any) -> list[str]:
    """What a page listens to for news of the log: who reads it all of everything, a person of what they do."""
    if not person.is_authenticated:
        return []
    return ["audit"] if may_read_all(person) else [f"audit:{person.pk}"]


def _target_of(target: models.Model | Target) -> Target:
    if isinstance(target, Target):
        return target
    return Target(type=target._meta.model_name or "", id=str(target.pk), label=str(target))


def _tenant_of(actor: Actor, target: models.Model | Target) -> str:
    for each in (target, actor):
        if found := getattr(each, "tenant_id", ""):
            return str(found)
    return ""


def _short(label: str) -> str:
    return label if len(label) <= 200 else f"{label[:199]}…"
