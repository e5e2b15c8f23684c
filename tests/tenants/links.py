"""What somebody has who got a mail."""

import re

from apps.core.mail.models import OutgoingMail


def token_in_mail_to(email: str) -> str:
    """Of the newest invitation's link."""
    mail = OutgoingMail.objects.filter(to=email, template="invitation").order_by("pk").last()
    assert mail is not None, f"Nobody wrote to {email}."
    found = re.search(r"/invitations/(\S+)", mail.text.reveal())
    assert found is not None, mail.text.reveal()
    return found[1]
