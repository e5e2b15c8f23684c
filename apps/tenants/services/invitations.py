from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services.sign_up import register_person
from apps.audit.services import Actor, record
from apps.core import clock
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.core.mail import checked_address
from apps.core.names import require_short
from apps.core.versions import save_version
from apps.tenants import mails
from apps.tenants.member import Member
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.problems import InvitationEnded, InvitationForSomeoneElse, TenantSuspended
from apps.tenants.roles import Role
from apps.tenants.services.links import SENDING, send_link
from apps.tenants.services.owners import lock_tenant, renewed, require_role_of, tell_pages

MOST_AT_ONCE = 20
# Beyond this, somebody is mailing strangers
MOST_A_DAY = 200
AGAIN_AFTER = timedelta(minutes=1)
LONGEST_NOTE = 1000
# What others may have done to one since it was read
CHANGES = ("version", "email", "role", "sent_at", "expires_at", "accepted_at", "revoked_at")


@transaction.atomic
def invite_people(*, actor: Member, emails: Iterable[str], role: str, note: str = "") -> list[Invitation]:
    """Up to 20 addresses at once, all or none. Each gets a link of its own."""
    actor = renewed(actor)
    actor.require("members.manage")
    addresses = list(dict.fromkeys(email.strip().lower() for email in emails if email.strip()))
    if not addresses:
        raise InvalidInput(fields={"emails": [_("Write at least one address.")]})
    if len(addresses) > MOST_AT_ONCE:
        words = {"count": len(addresses), "limit": MOST_AT_ONCE}
        raise InvalidInput(
            fields={"emails": [_("These are %(count)d addresses. Invite up to %(limit)d at once.") % words]}
        )
    return _invite(actor, addresses, role, note, field="emails")


@transaction.atomic
def invite_person(*, actor: Member, email: str, role: str, note: str = "") -> Invitation:
    actor = renewed(actor)
    actor.require("members.manage")
    return _invite(actor, [email], role, note, field="email")[0]


@transaction.atomic
def resend_invitation(*, actor: Member, invitation: Invitation) -> Invitation:
    """With a new link that lives for another week; the one before ends."""
    actor = renewed(actor)
    actor.require("members.manage", row=invitation)
    _read_again(invitation)
    _require_waiting(invitation)
    wait = invitation.sent_at + AGAIN_AFTER - clock.now()
    if invitation.is_open and wait > timedelta():
        seconds = wait // timedelta(seconds=1) + 1
        raise Conflict(
            _("It was sent a moment ago. Send it again in %(seconds)d s.") % {"seconds": seconds},
            headers={"Retry-After": str(seconds)},
        )
    send_link(invitation, actor=actor)
    save_version(invitation, *SENDING)
    record(actor=actor, verb="invitation.resent", target=invitation, after={"expires_at": invitation.expires_at})
    tell_pages(actor.tenant, "invitations", invitation.pk)
    return invitation


@transaction.atomic
def change_invitation_address(*, actor: Member, invitation: Invitation, email: str) -> Invitation:
    """For one that went astray: the link there ends, and a new one goes to the right address."""
    actor = renewed(actor)
    actor.require("members.manage", row=invitation)
    _require_owner_for(invitation, actor)
    _require_waiting(invitation)
    email = checked_address(email, field="email")
    if email == invitation.email:
        raise InvalidInput(fields={"email": [_("It went to this address already. Send it again instead.")]})
    _require_strangers(actor.tenant, [email], field="email")
    if _waiting(actor.tenant).filter(email__iexact=email).exists():
        raise InvalidInput(fields={"email": [_has_one(email)]})
    before = {"email": invitation.email}
    invitation.email = email
    send_link(invitation, actor=actor)
    save_version(invitation, "email", *SENDING)
    record(actor=actor, verb="invitation.address_changed", target=invitation, before=before, after={"email": email})
    tell_pages(actor.tenant, "invitations", invitation.pk)
    return invitation


@transaction.atomic
def revoke_invitation(*, actor: Member, invitation: Invitation) -> Invitation:
    """Its link ends at once."""
    actor = renewed(actor)
    actor.require("members.manage", row=invitation)
    _read_again(invitation)
    _require_owner_for(invitation, actor)
    _require_waiting(invitation)
    _close(invitation, actor=actor, verb="invitation.revoked")
    return invitation


@transaction.atomic
def accept_invitation(*, actor: User, invitation: Invitation) -> Membership:
    """By somebody with an account whose address was invited. Works once."""
    invitation = _lock_open(invitation)
    _require_own(actor, invitation)
    return _join(actor, invitation)


@transaction.atomic
def decline_invitation(*, actor: User, invitation: Invitation) -> Invitation:
    invitation = _lock_open(invitation)
    _require_own(actor, invitation)
    _close(invitation, actor=actor, verb="invitation.declined")
    return invitation


@transaction.atomic
def join_by_invitation(*, invitation: Invitation, password: str, name: str = "", language: str = "en") -> Membership:
    """With a new account, by somebody who has the link: it was mailed to that address, which is thereby verified."""
    invitation = _lock_open(invitation)
    if User.objects.filter(email__iexact=invitation.email).exists():
        raise Conflict(_("There is an account with this address. Sign in with it to join."))
    person = register_person(email=invitation.email, password=password, name=name, language=language)
    return _join(person, invitation)


def _invite(actor: Member, emails: list[str], role: str, note: str, *, field: str) -> list[Invitation]:
    tenant = actor.tenant
    require_role_of(tenant, role)
    if role == Role.OWNER:
        raise InvalidInput(
            fields={"role": [_("Members are made owners, nobody is invited as one. Invite as admin, then change it.")]}
        )
    note = _checked_note(note)
    emails = [checked_address(email, field=field) for email in emails]
    _require_strangers(tenant, emails, field=field)
    waiting = _waiting(tenant).select_for_update()
    there = {invitation.email: invitation for invitation in waiting.filter(email__in=emails)}
    has_one = [_has_one(email) for email, invitation in there.items() if invitation.is_open]
    if has_one:
        raise InvalidInput(fields={field: has_one})
    for ended in there.values():
        _require_owner_for(ended, actor)
    today = Invitation.objects.of(tenant).filter(sent_at__gt=clock.now() - timedelta(days=1))
    if today.count() + len(emails) > MOST_A_DAY:
        raise Conflict(
            _("A workspace sends up to %(limit)d invitations a day. Send the others tomorrow.") % {"limit": MOST_A_DAY}
        )
    invitations = [_made(actor, email, role, note, there.get(email)) for email in emails]
    tell_pages(tenant, "invitations")
    return invitations


def _made(actor: Member, email: str, role: str, note: str, ended: Invitation | None) -> Invitation:
    """A new one; one whose time is over lives again, as there's one for each address."""
    invitation = ended or Invitation(tenant=actor.tenant, email=email)
    invitation.role = role
    send_link(invitation, actor=actor, note=note)
    if ended:
        save_version(invitation, "role", *SENDING)
    else:
        invitation.save(force_insert=True)
    record(actor=actor, verb="member.invited", target=invitation, after={"email": email, "role": role})
    return invitation


def _join(person: User, invitation: Invitation) -> Membership:
    tenant = invitation.tenant
    membership = Membership.objects.of(tenant).filter(person=person).first()
    if membership is None:
        membership = Membership(tenant=tenant, person=person, role=invitation.role)
        membership.save(force_insert=True)
    elif invitation.role == Role.OWNER:
        # Their groups brought them in before; without this, the workspace would have no owner
        membership.role, membership.given_by = Role.OWNER, Membership.GivenBy.PERSON
        save_version(membership, "role", "given_by")
    invitation.accepted_at, invitation.accepted_by = clock.now(), person
    save_version(invitation, "accepted_at", "accepted_by")
    after = {"role": membership.role, "invitation": invitation.pk}
    record(actor=person, verb="member.joined", target=membership, after=after)
    tell_pages(tenant, "members", membership.pk)
    tell_pages(tenant, "invitations", invitation.pk)
    return membership


def _close(invitation: Invitation, *, actor: Actor, verb: str) -> None:
    invitation.revoked_at = clock.now()
    save_version(invitation, "revoked_at")
    before = {"email": invitation.email, "role": invitation.role}
    record(actor=actor, verb=verb, target=invitation, before=before)
    tell_pages(invitation.tenant, "invitations", invitation.pk)


def _lock_open(invitation: Invitation) -> Invitation:
    """As it is now: of two who open the same link, one gets in. Nobody joins a workspace while it's deleted."""
    try:
        lock_tenant(invitation.tenant_id)
    except NotFound:
        raise InvitationEnded from None
    rows = Invitation.objects.select_for_update(of=("self",)).select_related("tenant", "invited_by")
    found: Invitation | None = rows.filter(pk=invitation.pk).first()
    if found is None or not found.is_open:
        raise InvitationEnded
    if found.tenant.is_suspended:
        raise TenantSuspended(found.tenant.suspended_because)
    return found


def _read_again(invitation: Invitation) -> None:
    """In the locked workspace: of two who do the same at once, the second hears that it's done."""
    try:
        invitation.refresh_from_db(fields=CHANGES)
    except Invitation.DoesNotExist:
        raise NotFound from None


def _require_own(person: User, invitation: Invitation) -> None:
    if person.email.lower() != invitation.email.lower():
        raise InvitationForSomeoneElse(
            _("The invitation went to %(invited)s, and you are signed in as %(email)s.")
            % {"invited": invitation.email, "email": person.email}
        )


def _require_owner_for(invitation: Invitation, actor: Member) -> None:
    """The first owner's: whoever could turn it to an address of their own would own the workspace."""
    if invitation.role == Role.OWNER:
        actor.require("workspace.hand_over")


def _require_waiting(invitation: Invitation) -> None:
    if invitation.accepted_at:
        raise Conflict(_("%(email)s has accepted already.") % {"email": invitation.email})
    if invitation.revoked_at:
        raise Conflict(_("This invitation was revoked. Invite %(email)s anew.") % {"email": invitation.email})


def _require_strangers(tenant: Tenant, emails: list[str], *, field: str) -> None:
    members = Membership.objects.of(tenant).filter(person__email__in=emails)
    inside = sorted(members.values_list("person__email", flat=True))
    if inside:
        texts = [_("%(email)s is a member already.") % {"email": email} for email in inside]
        raise InvalidInput(fields={field: texts})


def _waiting(tenant: Tenant) -> "QuerySet[Invitation]":
    return Invitation.objects.of(tenant).unanswered()


def _has_one(email: str) -> str:
    return _("%(email)s has an invitation already. Send that one again.") % {"email": email}


def _checked_note(note: str) -> str:
    note = note.strip()
    require_short(note, LONGEST_NOTE, field="note")
    if mails.has_link(note):
        # The mail comes from us, to people who don't know the sender
        raise InvalidInput(fields={"note": [_("Leave web addresses out of the message.")]})
    return note
