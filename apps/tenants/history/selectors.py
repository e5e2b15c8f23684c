from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from apps.accounts.models import User
from apps.audit import selectors
from apps.audit.filters import Choice
from apps.audit.models import AuditEvent, AuditEventQuerySet
from apps.tenants.member import Member
from apps.tenants.models import Membership, Tenant
from apps.tenants.operators import is_allowed, require_operator

# More than a person reads through in a select; the search field finds the others
MOST_PEOPLE = 200

OPERATORS = User.objects.filter(is_staff=True).order_by().values("pk")


def list_tenant_events(*, actor: Member) -> AuditEventQuerySet:
    """What was done in a tenant, also by operators and by those who left it."""
    actor.require("audit.read")
    return _with_operators(AuditEvent.objects.of(actor.tenant)).order_by(*selectors.ORDER)


def list_own_tenant_events(*, actor: Member) -> AuditEventQuerySet:
    """What concerns somebody in the tenant that they act in, which they may read without reading its log."""
    return _with_operators(selectors.list_own_events(actor=actor.person, tenants=[actor.tenant_id]).of(actor.tenant))


def list_personal_events(*, person: User, memberships: list[Membership]) -> AuditEventQuerySet:
    """What concerns a person, in the tenants that they are in now."""
    mine = [each.tenant_id for each in memberships if not each.tenant.is_suspended]
    return _with_operators(_with_tenants(selectors.list_own_events(actor=person, tenants=mine)))


def list_all_events(*, actor: Any) -> AuditEventQuerySet:
    """Everybody's, in all tenants: for operators."""
    require_operator(actor, "audit.read_all")
    return _with_operators(_with_tenants(selectors.list_events(actor=actor)))


def people_of(tenant: Tenant) -> list[Choice]:
    """Whom one may choose in the filter. Those who left are found by their names."""
    people = Membership.objects.of(tenant).select_related("person").order_by("person__name", "person__email")
    return [(row.person_id, str(row.person)) for row in people[:MOST_PEOPLE]]


def may_read(person: Any, tenant_id: str) -> bool:
    """Whether somebody may hear of new entries in a tenant's log; without an id, of all."""
    if is_allowed(person, "audit.read_all"):
        return True
    if not tenant_id:
        return False
    membership = (
        Membership.objects.filter(person=person, tenant_id=tenant_id).select_related("tenant", "person").first()
    )
    return membership is not None and Member.of(membership).may("audit.read")


def _with_operators(events: AuditEventQuerySet) -> AuditEventQuerySet:
    """With `by_operator`: somebody who runs the platform did it."""
    return events.annotate(by_operator=Exists(OPERATORS.filter(pk=OuterRef("actor_id"))))


def _with_tenants(events: AuditEventQuerySet) -> AuditEventQuerySet:
    """With the name and the address of the tenant whose log it is in."""
    tenant = Tenant.objects.filter(pk=OuterRef("tenant_id")).order_by()
    return events.annotate(
        tenant_name=Subquery(tenant.values("name")[:1]), tenant_slug=Subquery(tenant.values("slug")[:1])
    )
