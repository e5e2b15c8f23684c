"""The workspaces of the demo world, with their people and with invitations in each state."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction

from apps.accounts.demo import PEOPLE
from apps.accounts.models import User
from apps.audit.changes import fields_of
from apps.audit.services import SYSTEM, record
from apps.core import clock
from apps.core.mail.models import OutgoingMail
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Kind, Role
from apps.tenants.services.links import LINK_LIVES, send_link
from apps.tenants.services.tenants import WRITTEN_DOWN

SOOJIN = "soojin@tidewater.example"
MAXIMILIAN = "maximilian@tidewater.example"
# How long ago each was seen; the others never were
SEEN = {
    SOOJIN: timedelta(minutes=1),
    MAXIMILIAN: timedelta(days=1),
    "ada@tidewater.example": timedelta(minutes=12),
    "mateus@tidewater.example": timedelta(minutes=4),
    "haneul@tidewater.example": timedelta(hours=2),
    "priya@tidewater.example": timedelta(days=3),
    "claes@tidewater.example": timedelta(days=99),
    "henrike@greenmarket.example": timedelta(minutes=40),
    "tariq@greenmarket.example": timedelta(hours=5),
    "seoyeon@hanbit-data.example": timedelta(hours=1),
}


@dataclass(frozen=True)
class DemoInvitation:
    email: str
    role: Role
    by: str
    ago: timedelta
    refusal: str = ""


@dataclass(frozen=True)
class DemoWorkspace:
    """The people of one e-mail domain, guests from others, and whom they invited."""

    name: str
    slug: str
    kind: Kind
    domain: str
    guests: dict[str, Role] = field(default_factory=dict)
    invitations: tuple[DemoInvitation, ...] = ()


WORKSPACES = [
    DemoWorkspace(
        "Tidewater Freight",
        "tidewater",
        Kind.PROVIDER,
        "tidewater.example",
        invitations=(
            DemoInvitation("jonas.eckhart@tidewater.example", Role.API_DEVELOPER, SOOJIN, timedelta(days=2)),
            DemoInvitation(
                "hyunwoo.jung@hanbit-data.example",
                Role.QA,
                SOOJIN,
                timedelta(minutes=4),
                refusal="550 5.1.1 mailbox unknown",
            ),
            DemoInvitation("n.oduya@oyelaran-daughters.example", Role.VIEWER, MAXIMILIAN, timedelta(days=15)),
        ),
    ),
    DemoWorkspace(
        "한빛데이터", "hanbit-data", Kind.PROVIDER, "hanbit-data.example", guests={SOOJIN: Role.API_DEVELOPER}
    ),
    DemoWorkspace(
        "Greenmarket Grocers Cooperative",
        "greenmarket",
        Kind.CUSTOMER,
        "greenmarket.example",
        invitations=(DemoInvitation(SOOJIN, Role.VIEWER, "henrike@greenmarket.example", timedelta(hours=3)),),
    ),
]


def load() -> str:
    """Make the workspaces that are missing; one that is there stays as it is, with whoever is in it by now."""
    there = set(Tenant.objects.filter(slug__in=[each.slug for each in WORKSPACES]).values_list("slug", flat=True))
    missing = [each for each in WORKSPACES if each.slug not in there]
    if not missing:
        return ""
    people = {person.email: person for person in User.objects.filter(email__in=PEOPLE)}
    with transaction.atomic():
        for workspace in missing:
            _make(workspace, people)
    return f"{len(missing)} workspace{'s' * (len(missing) > 1)} made."


def _make(workspace: DemoWorkspace, people: dict[str, User]) -> None:
    tenant = Tenant(name=workspace.name, slug=workspace.slug, kind=workspace.kind)
    tenant.save(force_insert=True)
    record(actor=SYSTEM, verb="tenant.created", target=tenant, after=fields_of(tenant, WRITTEN_DOWN))
    own = {email: Role(known.role) for email, known in PEOPLE.items() if email.endswith(f"@{workspace.domain}")}
    for email, role in {**own, **workspace.guests}.items():
        if email in people:
            _join(tenant, people[email], role, is_guest=email in workspace.guests)
    for invitation in workspace.invitations:
        if invitation.by in people:
            _invite(tenant, invitation, people[invitation.by])


def _join(tenant: Tenant, person: User, role: Role, *, is_guest: bool) -> None:
    seen = SEEN.get(person.email)
    if seen and is_guest:
        seen += timedelta(days=9)
    membership = Membership(tenant=tenant, person=person, role=role, last_seen_at=clock.now() - seen if seen else None)
    membership.save(force_insert=True)
    record(actor=person, verb="member.joined", target=membership, after={"role": role})


def _invite(tenant: Tenant, invited: DemoInvitation, by: User) -> None:
    invitation = Invitation(tenant=tenant, email=invited.email, role=invited.role)
    send_link(invitation, actor=by)
    invitation.created_at = invitation.sent_at = clock.now() - invited.ago
    invitation.expires_at = invitation.sent_at + LINK_LIVES
    invitation.save(force_insert=True)
    if invited.refusal:
        mails = OutgoingMail.objects.filter(pk=invitation.mail_id)
        mails.update(state=OutgoingMail.State.FAILED, reason=invited.refusal)
    after = {"email": invited.email, "role": invited.role}
    record(actor=by, verb="member.invited", target=invitation, after=after)
