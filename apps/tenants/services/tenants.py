import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from psycopg.errors import UniqueViolation

from apps.accounts.models import User
from apps.audit.changes import changes, fields_of
from apps.audit.models import AuditEvent
from apps.audit.services import Actor, record
from apps.core import clock
from apps.core.errors import Conflict, InvalidInput
from apps.core.mail import checked_address
from apps.core.names import require_short, tidy_name
from apps.core.versions import delete_version, save_version
from apps.tenants import mails
from apps.tenants.member import Member
from apps.tenants.models import LONGEST_NAME, LONGEST_REASON, LONGEST_SLUG, Invitation, Membership, Tenant
from apps.tenants.operators import require_operator
from apps.tenants.problems import TenantInUse
from apps.tenants.residents import reasons_to_keep, resume_residents, suspend_residents
from apps.tenants.roles import Kind, Role
from apps.tenants.services.links import send_link
from apps.tenants.services.owners import renewed, tell_pages

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SHORTEST_SLUG = 3
# Of the kind that anybody can make
MOST_OWNED = 20
WRITTEN_DOWN = ("kind", "name", "slug")


@transaction.atomic
def create_provider(*, actor: Actor, name: str, owner_email: str, slug: str = "") -> Tenant:
    """By a system administrator. Whoever will own it is invited."""
    require_operator(actor, "tenants.open")
    tenant = _create(Kind.PROVIDER, name, slug)
    owner_email = checked_address(owner_email, field="owner_email")
    record(actor=actor, verb="tenant.created", target=tenant, after=fields_of(tenant, WRITTEN_DOWN))
    invitation = Invitation(tenant=tenant, email=owner_email, role=Role.OWNER)
    send_link(invitation, actor=actor)
    invitation.save(force_insert=True)
    after = {"email": owner_email, "role": Role.OWNER}
    record(actor=actor, verb="member.invited", target=invitation, after=after)
    return tenant


@transaction.atomic
def create_customer(*, actor: User, name: str = "") -> Tenant:
    """For somebody who signed up without an invitation; they own it."""
    _require_room(actor)
    tenant = _create(Kind.CUSTOMER, name if name.strip() else _name_after(actor), "")
    Membership(tenant=tenant, person=actor, role=Role.OWNER).save(force_insert=True)
    record(actor=actor, verb="tenant.created", target=tenant, after=fields_of(tenant, WRITTEN_DOWN))
    return tenant


def welcome(person: User, workspace_name: str) -> None:
    """What signing up calls. Nobody can be asked any more, so a name that won't do gives way to the person's."""
    try:
        create_customer(actor=person, name=workspace_name)
    except InvalidInput:
        create_customer(actor=person)


@transaction.atomic
def change_tenant(
    *, actor: Member, name: str | None = None, slug: str | None = None, version: int | None = None
) -> Tenant:
    """Its name and its address. With a version, only if it's still the one that was read."""
    actor = renewed(actor)
    actor.require("workspace.change")
    tenant = actor.tenant
    if version is not None:
        tenant.version = version
    wanted = {}
    if name is not None:
        wanted["name"] = _checked_name(name)
    if slug is not None:
        wanted["slug"] = _checked_slug(slug)
    before, after = changes(fields_of(tenant, wanted), wanted)
    if not after:
        return tenant
    for field, value in after.items():
        setattr(tenant, field, value)
    with _saving_slug():
        save_version(tenant, *after)
    record(actor=actor, verb="tenant.changed", target=tenant, before=before, after=after)
    tell_pages(tenant, "changed")
    return tenant


@transaction.atomic
def suspend_tenant(*, actor: Actor, tenant: Tenant, reason: str) -> Tenant:
    """From now on nobody of it reads or writes anything there; they're told the reason."""
    require_operator(actor, "tenants.suspend")
    reason = reason.strip()
    if not reason:
        raise InvalidInput(fields={"reason": [_("Say why. The workspace's people read it.")]})
    require_short(reason, LONGEST_REASON, field="reason")
    if tenant.is_suspended:
        raise Conflict(_("%(workspace)s is suspended already.") % {"workspace": tenant})
    tenant.suspended_at, tenant.suspended_because = clock.now(), reason
    save_version(tenant, "suspended_at", "suspended_because")
    suspend_residents(tenant)
    record(actor=actor, verb="tenant.suspended", target=tenant, after={"reason": reason})
    tell_pages(tenant, "changed")
    mails.tell_suspended(tenant)
    return tenant


@transaction.atomic
def resume_tenant(*, actor: Actor, tenant: Tenant) -> Tenant:
    require_operator(actor, "tenants.suspend")
    if not tenant.is_suspended:
        raise Conflict(_("%(workspace)s isn't suspended.") % {"workspace": tenant})
    before = {"reason": tenant.suspended_because}
    tenant.suspended_at, tenant.suspended_because = None, ""
    save_version(tenant, "suspended_at", "suspended_because")
    resume_residents(tenant)
    record(actor=actor, verb="tenant.resumed", target=tenant, before=before)
    tell_pages(tenant, "changed")
    mails.tell_resumed(tenant)
    return tenant


@transaction.atomic
def delete_tenant(*, actor: Member, version: int | None = None) -> None:
    """With everything in it, for good. What was done in it stays in the operators' audit log."""
    actor = renewed(actor)
    actor.require("workspace.delete")
    tenant = actor.tenant
    if version is not None:
        tenant.version = version
    if reasons := reasons_to_keep(tenant):
        raise TenantInUse(" ".join(str(reason) for reason in reasons))
    others = [person for person in mails.owners_of(tenant) if person.pk != actor.pk]
    tell_pages(tenant, "deleted")
    record(actor=actor, verb="tenant.deleted", target=tenant, before=fields_of(tenant, WRITTEN_DOWN))
    delete_version(tenant)
    mails.tell_deleted(tenant, people=others, actor=actor)


def _require_room(person: User) -> None:
    # Of several opened at once each is counted by the next
    User.objects.select_for_update(no_key=True).filter(pk=person.pk).first()
    owned = Membership.objects.filter(person=person, role=Role.OWNER, tenant__kind=Kind.CUSTOMER)
    if owned.count() >= MOST_OWNED:
        raise Conflict(
            _("You own %(count)d workspaces, which is as many as one person may. Delete one of them first.")
            % {"count": MOST_OWNED}
        )
    # Each may send so many invitations a day, also one that is deleted right after
    opened = AuditEvent.objects.filter(verb="tenant.created", actor_id=person.pk)
    if opened.filter(at__gt=clock.now() - timedelta(days=1)).count() >= MOST_OWNED:
        raise Conflict(
            _("You opened %(count)d workspaces within a day, which is the most. Open another one tomorrow.")
            % {"count": MOST_OWNED}
        )


def _create(kind: Kind, name: str, slug: str) -> Tenant:
    name = _checked_name(name)
    tenant = Tenant(kind=kind, name=name, slug=_checked_slug(slug) if slug.strip() else _slug_for(name))
    with _saving_slug():
        tenant.save(force_insert=True)
    return tenant


def _checked_name(name: str) -> str:
    name = tidy_name(name)
    if not name:
        raise InvalidInput(fields={"name": [_("Give the workspace a name.")]})
    require_short(name, LONGEST_NAME, field="name")
    if mails.WEB_ADDRESS.search(name):
        # It stands in mails to strangers, whose programs make a link of it
        raise InvalidInput(fields={"name": [_("Choose a name without a web address in it.")]})
    return name


def _name_after(person: User) -> str:
    """Without their address, which not everybody who sees the workspace should learn."""
    name = mails.WEB_ADDRESS.sub(" ", str(person).partition("@")[0])
    return name.strip()[:LONGEST_NAME] or person.pk


def _checked_slug(slug: str) -> str:
    slug = slug.strip()
    if not (SLUG.fullmatch(slug) and SHORTEST_SLUG <= len(slug) <= LONGEST_SLUG):
        raise InvalidInput(
            fields={
                "slug": [
                    _("Use %(least)d to %(most)d small letters, digits and hyphens, such as tidewater-freight.")
                    % {"least": SHORTEST_SLUG, "most": LONGEST_SLUG}
                ]
            }
        )
    return slug


def _slug_for(name: str) -> str:
    """From the name, as far as its letters allow, and with an end of its own: nobody learns which ones are taken."""
    end = secrets.token_hex(2)
    start = slugify(name)[: LONGEST_SLUG - len(end) - 1].strip("-") or "workspace"
    return f"{start}-{end}"


@contextmanager
def _saving_slug() -> Iterator[None]:
    """Only the unique index knows all workspaces: inside a wall, the others aren't there to be asked."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise InvalidInput(fields={"slug": [_("This address is taken. Choose another one.")]}) from None
