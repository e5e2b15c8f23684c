from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from apps.core.crypto import keyed_hashes
from apps.core.mail.models import OutgoingMail
from apps.tenants.member import Member
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.operators import is_allowed
from apps.tenants.problems import InvitationEnded
from apps.tenants.roles import Role

# A hash is made for this and nothing else
TOKEN_PURPOSE = "invitation"  # noqa: S105


def memberships_of(person: Any) -> list[Membership]:
    """All of somebody's, with their workspaces, the one they were in last first. One query."""
    if not person.is_authenticated:
        return []
    rows = Membership.objects.filter(person=person).select_related("tenant")
    found = sorted(rows, key=lambda row: (row.last_seen_at or row.created_at, row.pk), reverse=True)
    for row in found:
        row.person = person
    return found


def list_tenants(*, actor: Any) -> QuerySet[Tenant]:
    """The workspaces that somebody is in, each with their role there as `own_role`; operators see all."""
    own = Membership.objects.filter(tenant=OuterRef("pk"), person=actor.pk)
    tenants = Tenant.objects.annotate(own_role=Subquery(own.values("role")))
    return tenants if is_allowed(actor, "tenants.see") else tenants.filter(own_role__isnull=False)


def list_members(*, actor: Member) -> QuerySet[Membership]:
    actor.require("workspace.see")
    return Membership.objects.of(actor.tenant).select_related("person")


def list_invitations(*, actor: Member) -> QuerySet[Invitation]:
    """Those that wait to be accepted, also the ones whose time is over."""
    actor.require("members.manage")
    return Invitation.objects.of(actor.tenant).unanswered().select_related("invited_by")


def with_delivery(invitations: QuerySet[Invitation]) -> QuerySet[Invitation]:
    """How far each one's newest mail is, as `delivery`, and why it got no further."""
    mail = OutgoingMail.objects.filter(pk=OuterRef("mail_id"))
    return invitations.annotate(
        delivery=Subquery(mail.values("state")), delivery_reason=Subquery(mail.values("reason"))
    )


def can_listen(person: Any, ref: str) -> bool:
    """The topic `tenant:<id>` tells its members what happens in it."""
    if not (person.is_authenticated and ref):
        return False
    membership = Membership.objects.filter(person=person, tenant_id=ref).select_related("tenant").first()
    return membership is not None and Member.of(membership).may("workspace.see")


def tenants_of(people: Iterable[Any]) -> dict[str, frozenset[str] | None]:
    """Whose events reach somebody: those of the tenants they are in, and everybody's where they read the whole log."""
    found: dict[str, set[str]] = {person.pk: set() for person in people}
    rows = Membership.objects.filter(person__in=found, tenant__suspended_at=None)
    for person_id, tenant_id in rows.values_list("person_id", "tenant_id"):
        found[person_id].add(tenant_id)
    return {
        person.pk: None if is_allowed(person, "audit.read_all") else frozenset(found[person.pk]) for person in people
    }


def find_tenant(reference: str) -> Tenant | None:
    """By the id or the address; for operators, who see them all."""
    return Tenant.objects.filter(pk=reference).first() or Tenant.objects.filter(slug=reference).first()


def invitation_of(token: str) -> Invitation:
    """By the secret in its link. Used, revoked or over: it doesn't work any more, and the answer says which."""
    hashes = keyed_hashes(token, purpose=TOKEN_PURPOSE)
    rows = Invitation.objects.select_related("tenant", "invited_by")
    found: Invitation | None = rows.filter(token_hash__in=hashes).first()
    if found is None:
        raise InvitationEnded
    if found.accepted_at:
        raise InvitationEnded(
            _("It was accepted already. Sign in to go to %(workspace)s.") % {"workspace": found.tenant}
        )
    if found.revoked_at:
        raise InvitationEnded(_("It was taken back by %(workspace)s.") % {"workspace": found.tenant})
    if not found.is_open:
        raise InvitationEnded(
            _("Its week is over. Ask %(person)s to send it again.") % {"person": found.invited_by or found.tenant}
        )
    return found


def invitations_for(person: Any) -> QuerySet[Invitation]:
    """What waits for somebody's answer, in whichever workspace."""
    if not person.is_authenticated:
        return Invitation.objects.none()
    waiting = invitations_to(person.email).filter(tenant__suspended_at=None)
    return waiting.select_related("tenant", "invited_by").order_by("-sent_at", "-pk")


def invitations_to(email: str) -> QuerySet[Invitation]:
    """Those that can be accepted, also of workspaces that are suspended now."""
    rows: QuerySet[Invitation] = Invitation.objects.in_phase(Invitation.Phase.WAITING)
    return rows.annotate(address=Lower("email")).filter(address=Lower(Value(email)))


def is_last_owner(membership: Membership) -> bool:
    """Such a one can't leave, be removed or get another role. Who can't sign in owns nothing for anybody."""
    if membership.role != Role.OWNER:
        return False
    owners = Membership.objects.of(membership.tenant).filter(role=Role.OWNER, person__is_active=True)
    others = owners.exclude(pk=membership.pk)
    return not others.exists()


def owned_alone_by(person: Any) -> list[Tenant]:
    """The workspaces that nobody would own if this person went."""
    owners = Membership.objects.filter(tenant=OuterRef("tenant"), role=Role.OWNER, person__is_active=True)
    others = owners.exclude(person=person)
    alone = Membership.objects.filter(~Exists(others), person=person, role=Role.OWNER).select_related("tenant")
    return [membership.tenant for membership in alone.order_by("tenant__name")]
