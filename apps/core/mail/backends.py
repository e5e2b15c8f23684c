from collections.abc import Sequence
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend


class KeepingBackend(BaseEmailBackend):
    """Sends nothing. While developing, a mail stays in its table, and /mails shows it."""

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        return 0
