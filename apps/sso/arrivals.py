"""What a provider's claims say about somebody, in our words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.errors import InvalidInput
from apps.core.mail import checked_address
from apps.core.names import tidy_name
from apps.core.texts import UNSTORABLE
from apps.sso.models import IdentityProvider

# Beyond this a provider sends a whole directory
MOST_GROUPS = 2000


@dataclass(frozen=True)
class Arrival:
    """Somebody who has just come back from a provider, which is believed about this much."""

    subject: str
    email: str
    is_email_verified: bool
    name: str
    groups: tuple[str, ...]


def wanted_claims(provider: IdentityProvider) -> tuple[str, ...]:
    return ("email", provider.groups_claim.partition(".")[0])


def read_claims(provider: IdentityProvider, claims: Mapping[str, Any]) -> Arrival:
    """Some providers write the booleans of OpenID Connect as text."""
    said = claims.get("email_verified")
    verified = said is True or said == "true" or (provider.trusts_emails and "email_verified" not in claims)
    return Arrival(
        subject=str(claims["sub"]),
        email=_address(claims.get("email")),
        is_email_verified=verified,
        name=_text(claims.get("name")) or _text(claims.get("preferred_username")),
        groups=_groups(claims, provider.groups_claim),
    )


def _groups(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """No claim is no group: a provider that stops sending them must not leave a role behind.

    A claim whose own name has dots in it, such as an address, is found by its whole name.
    """
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list | tuple):
        return ()
    names = (each for each in found[:MOST_GROUPS] if isinstance(each, str) and not UNSTORABLE.search(each))
    return tuple(dict.fromkeys(names))


def _address(value: Any) -> str:
    """What is none, such as several in one, is as good as not said: mails would go to each of them."""
    try:
        return checked_address(value) if isinstance(value, str) else ""
    except InvalidInput:
        return ""


def _text(value: Any) -> str:
    return tidy_name(value)[:120].strip() if isinstance(value, str) else ""
