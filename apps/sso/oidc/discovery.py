"""What a provider says of itself, and the keys it signs with; both remembered for a while in each process."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import jwt

from apps.sso.oidc import wire
from apps.sso.oidc.addresses import is_address, is_safe
from apps.sso.oidc.problems import ProviderConfused, ProviderUnreachable, TokenRefused

REMEMBERED_SECONDS = 600.0
# After a failure nobody waits for the same provider again for so long, as each wait holds a thread
FAILURE_SECONDS = 10.0
# What we check signatures with. No shared secret among them, and never "none"
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)

Key = dict[str, Any]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Metadata:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    token_auth_methods: tuple[str, ...]
    # None where the provider doesn't say
    challenge_methods: tuple[str, ...] | None
    scopes: tuple[str, ...] | None
    # Whether every answer in the browser names its issuer (RFC 9207)
    names_issuer: bool


def metadata_of(issuer: str) -> Metadata:
    return _remembered(("metadata", issuer), lambda: fetch_metadata(issuer))


def fetch_metadata(issuer: str) -> Metadata:
    """From the provider itself. It must call itself what the operator typed, or another could answer for it."""
    answer = wire.get(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if answer.status != 200:
        raise ProviderConfused(reason=f"the discovery document answered {answer.status}")
    said = str(answer.body.get("issuer", ""))
    if said != issuer:
        raise ProviderConfused(reason=f"it calls itself {said or 'nothing'}, not {issuer}")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(answer.body, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(answer.body, "token_endpoint", issuer),
        jwks_uri=_endpoint(answer.body, "jwks_uri", issuer),
        userinfo_endpoint=_endpoint(answer.body, "userinfo_endpoint", issuer, required=False),
        end_session_endpoint=_endpoint(answer.body, "end_session_endpoint", issuer, required=False),
        token_auth_methods=_words(answer.body, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        challenge_methods=_words(answer.body, "code_challenge_methods_supported"),
        scopes=_words(answer.body, "scopes_supported"),
        names_issuer=answer.body.get("authorization_response_iss_parameter_supported") is True,
    )


def signing_key(metadata: Metadata, header: dict[str, Any]) -> jwt.PyJWK:
    """The key that a token's header names. One that isn't known may be new: the provider has changed its keys."""
    if header["alg"] not in ALGORITHMS:
        raise TokenRefused(reason=f"signed by {header['alg']!r}")
    address = ("keys", metadata.jwks_uri)
    found = _pick(_remembered(address, lambda: fetch_keys(metadata)), header)
    if found is None:
        _forget(address)
        found = _pick(_remembered(address, lambda: fetch_keys(metadata)), header)
    if found is None or found.get("alg", header["alg"]) != header["alg"]:
        raise TokenRefused(reason=f"no key {header.get('kid')!r} for {header['alg']}")
    # A key that doesn't say what it is for may be for several algorithms of its kind
    return jwt.PyJWK(found, header["alg"])


def fetch_keys(metadata: Metadata) -> list[Key]:
    answer = wire.get(metadata.jwks_uri)
    if answer.status != 200:
        raise ProviderConfused(reason=f"the key set answered {answer.status}")
    found = answer.body.get("keys")
    keys = [each for each in found if _can_verify(each)] if isinstance(found, list) else []
    if not keys:
        raise ProviderConfused(reason="the key set has no key that a signature can be checked with")
    return keys


def forget_all() -> None:
    """For tests, and for an operator who tests the connection after mending the provider."""
    with _lock:
        _known.clear()
        _failed.clear()


def _can_verify(key: Any) -> bool:
    """Others in the set, of kinds that we don't know or for encryption, are for others."""
    try:
        return jwt.PyJWK(key).algorithm_name in ALGORITHMS and key.get("use", "sig") == "sig"
    # What PyJWT lets through besides its own, depending on what is malformed or missing in a key
    except (jwt.PyJWTError, AttributeError, TypeError, KeyError, ValueError, NotImplementedError):
        return False


def _pick(keys: list[Key], header: dict[str, Any]) -> Key | None:
    """By its id. A token that names none can only mean the provider's only key."""
    wanted = header.get("kid")
    if wanted is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.get("kid") == wanted), None)


def _endpoint(body: dict[str, Any], name: str, issuer: str, *, required: bool = True) -> str:
    url = str(body.get(name) or "")
    if not url and required:
        raise ProviderConfused(reason=f"it names no {name}")
    if url and not is_address(url):
        raise ProviderConfused(reason=f"its {name} is no address")
    if url and not (url.startswith("https://") if issuer.lower().startswith("https://") else is_safe(url)):
        raise ProviderConfused(reason=f"its {name} isn't https")
    return url


def _words(body: dict[str, Any], name: str) -> tuple[str, ...] | None:
    value = body.get(name)
    return tuple(str(each) for each in value) if isinstance(value, list) else None


# --- What is remembered ----------------------------------------------------------------------------

_lock = threading.Lock()
_known: dict[tuple[str, str], tuple[float, Any]] = {}
_failed: dict[tuple[str, str], tuple[float, ProviderUnreachable]] = {}


def _remembered(key: tuple[str, str], fetch: Callable[[], Found]) -> Found:
    now = time.monotonic()
    with _lock:
        until, value = _known.get(key, (0.0, None))
        failed_until, failure = _failed.get(key, (0.0, None))
    if until > now:
        found: Found = value
        return found
    if failure is not None and failed_until > now:
        raise ProviderUnreachable(reason=failure.reason)
    try:
        found = fetch()
    except ProviderUnreachable as problem:
        with _lock:
            _failed[key] = (time.monotonic() + FAILURE_SECONDS, problem)
        raise
    with _lock:
        _known[key] = (time.monotonic() + REMEMBERED_SECONDS, found)
        _failed.pop(key, None)
    return found


def _forget(key: tuple[str, str]) -> None:
    with _lock:
        _known.pop(key, None)
