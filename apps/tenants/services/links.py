"""The link of an invitation: made, mailed, and kept as a keyed hash only."""

import secrets
from datetime import timedelta

from django.urls import reverse

from apps.audit.services import Actor
from apps.core import clock
from apps.core.crypto.hashing import keyed_hash
from apps.tenants import mails
from apps.tenants.models import Invitation
from apps.tenants.selectors import TOKEN_PURPOSE

LINK_LIVES = timedelta(days=7)
# What a new link changes in the row
SENDING = ("token_hash", "invited_by", "sent_at", "expires_at", "mail_id")


def send_link(invitation: Invitation, *, actor: Actor, note: str = "") -> None:
    """Give it a new link and mail that; the caller saves the row. The link before, if there was one, ends."""
    token = secrets.token_urlsafe(32)
    invitation.token_hash = keyed_hash(token, purpose=TOKEN_PURPOSE)
    invitation.invited_by_id = actor.pk or None
    invitation.sent_at = clock.now()
    invitation.expires_at = invitation.sent_at + LINK_LIVES
    invitation.mail_id = mails.invite(invitation, actor=actor, path=reverse("invitation", args=[token]), note=note).pk
