"""What somebody finds in their mail."""

import re

from apps.core.mail.models import OutgoingMail

LINK = re.compile(r"https?://[^/\s]+(/link/[\w-]+)")


def mails_to(email: str) -> list[OutgoingMail]:
    """The newest first."""
    return list(OutgoingMail.objects.filter(to=email).order_by("-created_at", "-id"))


def newest_mail(email: str) -> OutgoingMail:
    found = mails_to(email)
    assert found, f"No mail went to {email}."
    return found[0]


def link_to(email: str) -> str:
    """The path of the link in the newest mail."""
    text = newest_mail(email).text.reveal()
    found = LINK.search(text)
    assert found, f"The newest mail to {email} has no link:\n{text}"
    return found[1]
