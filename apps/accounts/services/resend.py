from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import MailedLink
from apps.accounts.problems import LinkEnded
from apps.accounts.selectors import can_send_again
from apps.accounts.services.emails import ask_to_change_email
from apps.accounts.services.links import Kind, seconds_to_wait
from apps.accounts.services.passwords import ask_for_password_link
from apps.accounts.services.sign_up import mail_sign_up_link
from apps.core.errors import TooManyRequests

VERB = "account.link_sent_again"


@transaction.atomic
def send_link_again(*, actor: Any, link: MailedLink) -> MailedLink:
    """Another link for the same thing to the same address. Those before it stay good for as long as they were."""
    if not can_send_again(actor=actor, link=link):
        raise LinkEnded
    if wait := seconds_to_wait(link):
        message = _("A link was sent a moment ago. Wait %(seconds)d seconds before you ask for another.")
        raise TooManyRequests(message % {"seconds": wait}, headers={"Retry-After": str(wait)})
    if link.kind == Kind.SIGN_UP:
        assert link.sign_up is not None
        return mail_sign_up_link(sign_up=link.sign_up, verb=VERB)
    if link.kind == Kind.EMAIL:
        return ask_to_change_email(actor=actor, email=link.email, verb=VERB)
    return ask_for_password_link(email=link.email, language=link.language, verb=VERB)
