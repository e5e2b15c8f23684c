from django.conf import settings


def public_url(path: str) -> str:
    """The whole address of a page, for a mail. From the settings: whoever writes a Host header can't bend it."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
