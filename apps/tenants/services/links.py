"""The link of an invitation: made, mailed, and kept as a keyed hash only."""

import secrets
from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.audit.services import Actor
from apps.core import clock
from apps.core.crypto import keyed_hash
from apps.core.errors import Conflict
from apps.tenants import mails
from apps.tenants.models import Invitation
from apps.tenants.selectors import TOKEN_PURPOSE

LINK_LIVES = timedelta(days=7)
MOST_TO_ONE_A_DAY = 10
# What a new link changes in the row
SENDING = ("token_hash", "invited_by", "sent_at", "expires_at", "mail_id")


def send_link(invitation: Invitation, *, actor: Actor, note: str = "") -> None:
    """Give it a new link and mail that; the caller saves the row. The link before, if there was one, ends."""
    _require_patience(invitation.email)
    token = secrets.token_urlsafe(32)
    invitation.token_hash = keyed_hash(token, purpose=TOKEN_PURPOSE)
    invitation.invited_by_id = actor.pk or None
    invitation.sent_at = clock.now()
    invitation.expires_at = invitation.sent_at + LINK_LIVES
    invitation.mail_id = mails.invite(invitation, actor=actor, path=reverse("invitation", args=[token]), note=note).pk


def _require_patience(email: str) -> None:
    """Whoever invites whom: nobody's mailbox is filled with these."""
    if mails.count_invitations(email, since=clock.now() - timedelta(days=1)) >= MOST_TO_ONE_A_DAY:
        raise Conflict(
            _("%(email)s got many invitations today. Wait a day before you send another.") % {"email": email}
        )
