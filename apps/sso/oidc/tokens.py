"""What an ID token must be before a word of it is believed (OpenID Connect Core 1.0, section 3.1.3.7)."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jwt

from apps.core.texts import UNSTORABLE
from apps.sso.oidc.discovery import ALGORITHMS, Metadata, signing_key
from apps.sso.oidc.problems import NotConfirmed, StaleNonce, TokenExpired, TokenRefused, WrongAudience, WrongIssuer

# How far two clocks may be apart
LEEWAY_SECONDS = 60
# How long ago somebody may have signed in there to confirm who they are
CONFIRMED_SECONDS = 300

Claims = Mapping[str, Any]

# Half of the hash of the access token stands in the ID token; which hash, its own algorithm says
HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


def read_id_token(
    token: str, *, metadata: Metadata, client_id: str, nonce: str, access_token: str = "", must_be_fresh: bool = False
) -> Claims:
    """Its claims, once signature, issuer, audience, time and nonce are right. A refusal says which of them isn't."""
    try:
        header = jwt.get_unverified_header(token)
        key = signing_key(metadata, header)
        claims = jwt.decode(
            token,
            key,
            # Ours and not the token's word: nothing unsigned, and no public key taken for a shared secret
            algorithms=ALGORITHMS,
            issuer=metadata.issuer,
            audience=client_id,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except jwt.InvalidIssuerError as error:
        raise WrongIssuer(reason=str(error)) from error
    except jwt.InvalidAudienceError as error:
        raise WrongAudience(reason=str(error)) from error
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired(reason=str(error)) from error
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused(reason=f"{type(error).__name__}: {error}") from error
    _check_party(claims, client_id)
    _check_nonce(claims, nonce)
    _check_access_token(claims, access_token, header["alg"])
    if must_be_fresh:
        _check_fresh(claims)
    if not (isinstance(claims["sub"], str) and 0 < len(claims["sub"]) <= 255 and not UNSTORABLE.search(claims["sub"])):
        raise TokenRefused(reason="the subject is no text of 1 to 255 characters")
    return MappingProxyType(claims)


def _check_party(claims: dict[str, Any], client_id: str) -> None:
    """A token for several says whom it was given to."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise WrongAudience(reason=f"given to {claims.get('azp')!r}")


def _check_nonce(claims: dict[str, Any], nonce: str) -> None:
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(errors="replace"), nonce.encode()):
        raise StaleNonce(reason="the nonce is another attempt's")


def _check_access_token(claims: dict[str, Any], access_token: str, algorithm: str) -> None:
    """What the access token opens is believed too, so it must have come with this ID token."""
    if "at_hash" not in claims or not access_token:
        return
    digest = HASHES.get(algorithm[2:], hashlib.sha512)(access_token.encode()).digest()
    expected = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not hmac.compare_digest(str(claims["at_hash"]).encode(errors="replace"), expected):
        raise TokenRefused(reason="the access token isn't the one that belongs to it")


def _check_fresh(claims: dict[str, Any]) -> None:
    asked_at = claims.get("auth_time")
    if not isinstance(asked_at, int | float) or time.time() - asked_at > CONFIRMED_SECONDS + LEEWAY_SECONDS:
        raise NotConfirmed(reason=f"auth_time is {asked_at!r}")
