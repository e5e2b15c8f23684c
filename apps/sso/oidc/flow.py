"""The way to a provider and back: what the browser takes along, and what its answer is worth."""

import base64
import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from apps.core.crypto import Secret
from apps.sso.oidc import wire
from apps.sso.oidc.discovery import Metadata, metadata_of
from apps.sso.oidc.problems import (
    CodeRefused,
    ProviderConfused,
    SignInCancelled,
    SignInRefused,
    TokenRefused,
    WrongIssuer,
)
from apps.sso.oidc.tokens import Claims, read_id_token


@dataclass(frozen=True)
class Client:
    """Us, as a provider knows us. Without a secret, PKCE alone ties the code to who asked for it."""

    issuer: str
    client_id: str
    secret: Secret | None
    scopes: str


@dataclass(frozen=True)
class Attempt:
    """One try to sign in. It stays in the browser that began it, and counts once."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Attempt":
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class Identity:
    """Who came back, and the token that says so, which signing out there asks for."""

    claims: Claims
    id_token: Secret


def authorization_url(
    client: Client, attempt: Attempt, *, redirect_uri: str, must_be_fresh: bool = False, language: str = ""
) -> str:
    fields = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": client.scopes,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    if must_be_fresh:
        fields |= {"prompt": "login", "max_age": "0"}
    if language:
        fields["ui_locales"] = language
    return _with(metadata_of(client.issuer).authorization_endpoint, fields)


def finish(
    client: Client,
    attempt: Attempt,
    answer: Mapping[str, str],
    *,
    redirect_uri: str,
    wanted: Collection[str] = (),
    must_be_fresh: bool = False,
) -> Identity:
    """From the answer in the browser to somebody whose every claim was checked, with the claims that are wanted."""
    metadata = metadata_of(client.issuer)
    code = _code_of(answer, metadata)
    tokens = _exchange(client, metadata, attempt, code, redirect_uri)
    id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
    if not isinstance(id_token, str):
        raise ProviderConfused(reason="no ID token; is openid among the scopes?")
    claims = read_id_token(
        id_token,
        metadata=metadata,
        client_id=client.client_id,
        nonce=attempt.nonce,
        access_token=access_token if isinstance(access_token, str) else "",
        must_be_fresh=must_be_fresh,
    )
    is_missing_some = any(name not in claims for name in wanted)
    if is_missing_some and metadata.userinfo_endpoint and isinstance(access_token, str):
        claims = _with_user_info(claims, metadata, access_token)
    return Identity(claims, Secret(id_token))


def logout_url(client: Client, id_token: Secret | None, *, return_to: str) -> str:
    """Where signing out goes on; empty if the provider knows nothing of that."""
    endpoint = metadata_of(client.issuer).end_session_endpoint
    if not endpoint:
        return ""
    fields = {"client_id": client.client_id, "post_logout_redirect_uri": return_to}
    if id_token is not None:
        fields["id_token_hint"] = id_token.reveal()
    return _with(endpoint, fields)


def _code_of(answer: Mapping[str, str], metadata: Metadata) -> str:
    """The code, or why there is none. Only the error's code is looked at: its text is anybody's who makes a link."""
    issuer = answer.get("iss", "")
    if (issuer or metadata.names_issuer) and issuer != metadata.issuer:
        raise WrongIssuer(reason="the answer in the browser names another issuer")
    error = answer.get("error", "")
    if error == "access_denied":
        raise SignInCancelled
    if error:
        raise SignInRefused(reason=f"the provider answered {error[:60]!r}")
    code = answer.get("code", "")
    if not code:
        raise ProviderConfused(reason="an answer with neither a code nor an error")
    return code


def _exchange(client: Client, metadata: Metadata, attempt: Attempt, code: str, redirect_uri: str) -> Mapping[str, Any]:
    answer = ask_for_tokens(client, metadata, code=code, verifier=attempt.verifier, redirect_uri=redirect_uri)
    if answer.status == 200:
        return answer.body
    error = str(answer.body.get("error", ""))[:60]
    if error == "invalid_grant":
        raise CodeRefused(reason=error)
    raise ProviderConfused(reason=f"the token endpoint answered {answer.status} {error}".rstrip())


def ask_for_tokens(client: Client, metadata: Metadata, *, code: str, verifier: str, redirect_uri: str) -> wire.Answer:
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    headers = {}
    if client.secret is None:
        fields["client_id"] = client.client_id
    elif "client_secret_basic" in metadata.token_auth_methods:
        # Each part as in a form before both are joined (RFC 6749, 2.3.1): a colon may be in either
        pair = f"{quote_plus(client.client_id)}:{quote_plus(client.secret.reveal())}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        fields |= {"client_id": client.client_id, "client_secret": client.secret.reveal()}
    return wire.post(metadata.token_endpoint, fields, headers=headers)


def _with_user_info(claims: Claims, metadata: Metadata, access_token: str) -> Claims:
    """Many providers say name, address and groups only there. What the signed token says goes first."""
    answer = wire.get(metadata.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"})
    if answer.status != 200:
        raise ProviderConfused(reason=f"the userinfo endpoint answered {answer.status}")
    if answer.body.get("sub") != claims["sub"]:
        raise TokenRefused(reason="the userinfo is about somebody else")
    return _merged(claims, answer.body)


def _merged(signed: Claims, told: Mapping[str, Any]) -> Claims:
    """That an address is verified counts for that address only: the two needn't name the same."""
    signed, told = dict(signed), dict(told)
    if "email" not in signed:
        signed.pop("email_verified", None)
    elif told.get("email") != signed["email"]:
        told.pop("email_verified", None)
    return {**told, **signed}


def _with(url: str, fields: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"
