"""An attempt to sign in, from the click until the provider's answer: in a cookie of its own, good once.

Not in the session: two tabs that begin at once would overwrite each other there, and a session's end in one tab would
end the other's attempt.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language

from apps.sso import selectors
from apps.sso.models import IdentityProvider
from apps.sso.oidc.flow import Attempt, authorization_url
from apps.sso.oidc.problems import SignInOutdated

LIVES_SECONDS = 600
SALT = "apps.sso.attempts"


@dataclass(frozen=True)
class Purpose:
    """What for, and who may finish it: linking and confirming are only for the person who began."""

    name: str
    person_id: str = ""
    next: str = ""


SIGN_IN, LINK, CONFIRM = "sign-in", "link", "confirm"


def begin(request: HttpRequest, provider: IdentityProvider, purpose: Purpose) -> tuple[str, Attempt]:
    """Where to go, and the attempt to `remember` on the answer that leads there."""
    attempt = Attempt.new()
    url = authorization_url(
        selectors.client_of(provider),
        attempt,
        redirect_uri=redirect_uri(request, provider),
        must_be_fresh=purpose.name == CONFIRM,
        language=get_language() or "",
    )
    return url, attempt


def remember(
    request: HttpRequest, response: HttpResponse, provider: IdentityProvider, purpose: Purpose, attempt: Attempt
) -> HttpResponse:
    value = signing.dumps({"provider": provider.pk, "attempt": asdict(attempt), "purpose": asdict(purpose)}, salt=SALT)
    response.set_cookie(
        _cookie(attempt.state),
        value,
        max_age=LIVES_SECONDS,
        path=reverse("sso:begin", args=[provider.slug]),
        httponly=True,
        # Lax comes back with the provider's redirect; strict wouldn't
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def take(request: HttpRequest, provider: IdentityProvider) -> tuple[Attempt, Purpose]:
    """The attempt that this answer belongs to, which doesn't count a second time."""
    state = request.GET.get("state", "")
    try:
        found: dict[str, Any] = signing.loads(request.COOKIES.get(_cookie(state), ""), salt=SALT, max_age=LIVES_SECONDS)
    except signing.BadSignature:
        raise SignInOutdated(reason="no attempt of this browser has this state") from None
    attempt = Attempt(**found["attempt"])
    if attempt.state != state or found["provider"] != provider.pk:
        raise SignInOutdated(reason="the state belongs to another attempt")
    # Taking the cookie away asks the browser; this holds against one that keeps it, and against two at once
    if not cache.add(f"sso-state:{_digest(state)}", True, timeout=LIVES_SECONDS):
        raise SignInOutdated(reason="the state was used before")
    return attempt, Purpose(**found["purpose"])


def forget(request: HttpRequest, response: HttpResponse, provider: IdentityProvider) -> HttpResponse:
    state = request.GET.get("state", "")
    if _cookie(state) in request.COOKIES:
        response.delete_cookie(_cookie(state), path=reverse("sso:begin", args=[provider.slug]), samesite="Lax")
    return response


def redirect_uri(request: HttpRequest, provider: IdentityProvider) -> str:
    """Each provider has its own, so that one's answer can't be passed off as another's."""
    return request.build_absolute_uri(reverse("sso:callback", args=[provider.slug]))


def _cookie(state: str) -> str:
    return f"imp_sso_{_digest(state)[:16]}"


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
