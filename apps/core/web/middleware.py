"""What every request passes: who asks, an id that follows it everywhere, and the rules the browser must keep."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core import context
from apps.core.events.urls import live_origin

View = Callable[[HttpRequest], HttpResponseBase]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FOREIGN_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT")


class ClientAddressMiddleware:
    """REMOTE_ADDR is the client's from here on. What a proxy says is believed only from those in TRUSTED_PROXIES.

    From anyone else the X-Forwarded-* headers are dropped, so that nothing behind this can believe them by mistake.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response
        self.trusted = [_network(text) for text in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        peer = request.META.get("REMOTE_ADDR", "")
        if self._is_trusted(peer):
            request.META["REMOTE_ADDR"] = self._client(request.META.pop("HTTP_X_FORWARDED_FOR", ""), peer)
        else:
            for name in FORWARDED:
                request.META.pop(name, None)
        return self.get_response(request)

    def _client(self, forwarded_for: str, peer: str) -> str:
        """The rightmost address that isn't one of our proxies: everything to the left of it can be made up."""
        for text in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
            if _address(text) is None:
                return peer
            if not self._is_trusted(text):
                return text
            peer = text
        return peer

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self.trusted)


class RequestIdMiddleware:
    """Takes a well-formed X-Request-Id or makes one; it goes into logs, tasks, audit events and the answer."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        offered = request.headers.get("X-Request-Id", "")
        request_id = offered if FOREIGN_ID.fullmatch(offered) else context.new_request_id()
        with context.bound(request_id=request_id, address=request.META.get("REMOTE_ADDR", "")):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class BrowserRulesMiddleware:
    """Only what we serve ourselves: no inline script or style, no frames, no foreign forms, no device access.

    A part of the site that can't keep to it (the admin's scripts) widens the policy of its own answers with
    `widen_policy`; it can't drop a directive.
    """

    POLICY: Mapping[str, tuple[str, ...]] = {
        "default-src": ("'self'",),
        "script-src": ("'self'",),
        "style-src": ("'self'",),
        "img-src": ("'self'", "data:"),
        "connect-src": ("'self'",),
        "object-src": ("'none'",),
        "base-uri": ("'none'",),
        "form-action": ("'self'",),
        "frame-ancestors": ("'none'",),
    }
    # Where an answer names these, they count in place of the wider one for a part of what it rules
    NARROWER = frozenset({"style-src-attr", "style-src-elem"})
    UNUSED_FEATURES = (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
    PERMISSIONS = ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES)

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", self._policy(request, response))
        response.setdefault("Permissions-Policy", self.PERMISSIONS)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # Who is signed in stands on nearly every page: nothing on the way keeps one, and a browser asks again
        response.setdefault("Cache-Control", "private, no-cache")
        return response

    def _policy(self, request: HttpRequest, response: HttpResponseBase) -> str:
        widened: Mapping[str, tuple[str, ...]] = getattr(response, "_policy_additions", {})
        sources = {name: (*known, *widened.get(name, ())) for name, known in self.POLICY.items()}
        sources.update({name: widened[name] for name in sorted(self.NARROWER & set(widened))})
        if origin := live_origin(request):
            sources["connect-src"] = (*sources["connect-src"], origin)
        return "; ".join(f"{name} {' '.join(values)}" for name, values in sources.items())


def widen_policy(response: HttpResponseBase, additions: Mapping[str, Iterable[str]]) -> HttpResponseBase:
    """Lets this one answer use more: `{"script-src": ["'unsafe-eval'"]}`."""
    unknown = set(additions) - set(BrowserRulesMiddleware.POLICY) - BrowserRulesMiddleware.NARROWER
    if unknown:
        raise ValueError(f"The policy has no {', '.join(sorted(unknown))}; add it to BrowserRulesMiddleware.POLICY.")
    response._policy_additions = {name: tuple(values) for name, values in additions.items()}  # type: ignore[attr-defined]
    return response


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ImproperlyConfigured(
            f"TRUSTED_PROXIES has {text!r}; write addresses or networks such as 10.0.0.0/8."
        ) from None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
