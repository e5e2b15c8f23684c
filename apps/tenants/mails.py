"""What workspaces write to people. Each text is in `templates/mail/`."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.audit.services import Actor
from apps.core.errors import Text
from apps.core.mail import public_url, send_mail
from apps.core.mail.models import OutgoingMail
from apps.core.web.addresses import address
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import MEANING, Role

INVITATION = "invitation"
# What mail programs make a link of
WEB_ADDRESS = re.compile(r"://|www\.", re.IGNORECASE)
# So do many of a bare domain, and some firms are called as theirs: their names stay, but for the mail's dots
DOT_OF_DOMAIN = re.compile(r"(?<=\w)[.\u3002\uff0e\uff61](?=[^\W\d_]{2})")


def invite(invitation: Invitation, *, actor: Actor, path: str, note: str) -> OutgoingMail:
    """In the language of whoever has an account, else in that of whoever invites."""
    known = User.objects.filter(email__iexact=invitation.email).first()
    language = known.language if known else translation.get_language() or settings.LANGUAGE_CODE
    with translation.override(language):
        ends = date_format(timezone.localtime(invitation.expires_at), "DATE_FORMAT")
    return send_mail(
        to=invitation.email,
        subject=_("%(inviter)s invites you to %(workspace)s"),
        template=INVITATION,
        context={
            # Their own words, to somebody who may not know them
            "inviter": without_links(str(actor)),
            "workspace": without_links(invitation.tenant.name),
            "role": invitation.role,
            "meaning": MEANING[invitation.role],
            "note": note,
            "ends": ends,
            "link": public_url(path),
        },
        language=language,
    )


def without_links(name: str) -> str:
    """A name as it stands in mails to strangers."""
    return DOT_OF_DOMAIN.sub(" ", WEB_ADDRESS.sub(" ", name))


def has_link(text: str) -> bool:
    return bool(WEB_ADDRESS.search(text) or DOT_OF_DOMAIN.search(text))


def count_invitations(email: str, *, since: datetime) -> int:
    """How many went to an address, from whichever workspace."""
    return OutgoingMail.objects.filter(to=email, template=INVITATION, created_at__gt=since).count()


def tell_removed(*, person: User, tenant: Tenant, actor: Actor) -> None:
    _tell([person], _("You are no longer in %(workspace)s"), "member_removed", tenant, who=str(actor))


def tell_new_owner(*, person: User, tenant: Tenant, actor: Actor) -> None:
    _tell([person], _("You own %(workspace)s now"), "new_owner", tenant, who=str(actor))


def tell_suspended(tenant: Tenant) -> None:
    subject = _("%(workspace)s is suspended")
    _tell(owners_of(tenant), subject, "tenant_suspended", tenant, reason=tenant.suspended_because)


def tell_resumed(tenant: Tenant) -> None:
    _tell(owners_of(tenant), _("%(workspace)s is back"), "tenant_resumed", tenant)


def tell_deleted(tenant: Tenant, *, people: Iterable[User], actor: Actor) -> None:
    _tell(people, _("%(workspace)s was deleted"), "tenant_deleted", tenant, who=str(actor))


def owners_of(tenant: Tenant) -> list[User]:
    rows = Membership.objects.of(tenant).filter(role=Role.OWNER, person__is_active=True).select_related("person")
    return [row.person for row in rows.order_by("pk")]


def _tell(people: Iterable[User], subject: Text, template: str, tenant: Tenant, **words: Any) -> None:
    context = {"workspace": tenant.name, "link": public_url(address("workspace:overview", within=tenant.slug)), **words}
    for person in people:
        send_mail(to=person.email, subject=subject, template=template, context=context, language=person.language)
