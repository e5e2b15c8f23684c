"""The texts of agents' tokens: what registers one, what refreshes it, and the short-lived one that it speaks with."""

import hashlib
import hmac
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from apps.core.clock import now
from apps.core.crypto.keys import keyring
from apps.fleet.problems import BadToken, TokenExpired

REGISTRATION, REFRESH = "imr_", "imf_"
REGISTRATION_LASTS, REFRESH_LASTS, ACCESS_LASTS = timedelta(hours=24), timedelta(hours=24), timedelta(minutes=10)
ALGORITHM, AUDIENCE = "HS256", "imp-agents"


@dataclass(frozen=True)
class Identity:
    """What an access token says."""

    agent_id: str
    cluster_id: str
    # The refresh token that came with it
    pair_id: str
    expires_at: datetime


def new_token(prefix: str) -> str:
    """Random, with a checksum at its end: a mistyped one is refused without asking the database."""
    random = secrets.token_urlsafe(32)
    return f"{prefix}{random}{_checksum(random)}"


def require_shape(token: str, prefix: str) -> None:
    body = token.removeprefix(prefix)
    if (
        not token.isascii()
        or not token.startswith(prefix)
        or len(body) <= 8
        or not hmac.compare_digest(_checksum(body[:-8]), body[-8:])
    ):
        raise BadToken("This is no token of that kind, or it was cut off: copy it again.")


def new_access_token(agent_id: str, cluster_id: str, pair_id: str) -> str:
    ring = keyring()
    claims = {"sub": agent_id, "cluster": cluster_id, "jti": pair_id, "aud": AUDIENCE, "exp": now() + ACCESS_LASTS}
    return jwt.encode(claims, _signing_key(ring.current), ALGORITHM, headers={"kid": ring.current_id})


def read_access_token(token: str) -> Identity:
    try:
        key_id = jwt.get_unverified_header(token).get("kid", "")
        key = keyring().keys.get(key_id)
        if key is None:
            raise BadToken("The access token was signed with a key that isn't there any more: refresh it.")
        options: Any = {"require": ["sub", "cluster", "jti", "exp"]}
        claims = jwt.decode(token, _signing_key(key), [ALGORITHM], audience=AUDIENCE, options=options)
    except jwt.ExpiredSignatureError:
        raise TokenExpired("The access token has ended: refresh it.") from None
    except jwt.InvalidTokenError as error:
        raise BadToken(f"The access token can't be read: {error}.") from None
    expires_at = datetime.fromtimestamp(claims["exp"], tz=now().tzinfo)
    return Identity(claims["sub"], claims["cluster"], claims["jti"], expires_at)


def cluster_in(access_token: str) -> str:
    return read_access_token(access_token).cluster_id


def _signing_key(key: bytes) -> bytes:
    return hmac.digest(key, b"imp agents' access tokens 1", hashlib.sha256)


def _checksum(random: str) -> str:
    return f"{zlib.crc32(random.encode()):08x}"
