"""What an authenticator app shows."""

import re
import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value


def code_of(secret: str, *, periods: int = 0) -> str:
    """The code for a key, now or some periods of 30 s later."""
    return format_hotp_value(hotp_value(secret.replace(" ", ""), int(time.time()) // 30 + periods))


def secret_on(page: str) -> str:
    found = re.search(r'<output id="totp-key"[^>]*>([A-Z2-7 ]+)</output>', page)
    assert found, "The page shows no key for the app."
    return found[1].replace(" ", "")
