"""Which addresses an operator may type, and a provider name: nothing here asks anybody."""

from urllib.parse import urlsplit

# With what is added to it, it has to fit into a redirect
LONGEST = 2000
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def is_safe(url: str) -> bool:
    """Over TLS, or on this machine, where tests and trials run."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def is_address(url: str) -> bool:
    """Looked at once: whatever leads or asks there would fail over it."""
    try:
        parts = urlsplit(url)
        # Asking for the port fails on one that is none
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_place and url.isascii() and url.isprintable() and len(url) <= LONGEST
