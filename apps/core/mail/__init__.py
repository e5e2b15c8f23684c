"""Mail: written in the caller's transaction, sent by a worker.

`from apps.core.mail import send_mail`. The text is a template of its own, `templates/mail/<template>.txt`.
"""

from apps.core.mail.addresses import checked_address, public_url
from apps.core.mail.services import send_mail

__all__ = ["checked_address", "public_url", "send_mail"]
