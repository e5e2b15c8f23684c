"""What a page view needs to know about HTMX: who asks, and how to answer with more than HTML."""

from typing import Any, Literal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.cache import patch_cache_control, patch_vary_headers
from django_htmx.http import trigger_client_event
from django_htmx.middleware import HtmxDetails

from apps.core.errors import Text

Tone = Literal["ok", "busy", "warn", "bad"]

# An answer differs by these, so a cache (the browser's own, after "back") mustn't mix them up
VARIES_BY = ("HX-Request", "HX-Boosted", "HX-History-Restore-Request", "HX-Target")

LEVEL_OF_TONE = {
    "ok": messages.SUCCESS,
    "busy": messages.INFO,
    "warn": messages.WARNING,
    "bad": messages.ERROR,
}


def is_htmx(request: HttpRequest) -> bool:
    return bool(HtmxDetails(request))


def is_partial(request: HttpRequest) -> bool:
    """A fragment is wanted: HTMX asks, it isn't a boosted link, and HTMX isn't rebuilding a page from its history."""
    htmx = HtmxDetails(request)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def target(request: HttpRequest) -> str:
    """The id of the element that the answer goes into, empty for a plain request."""
    return (HtmxDetails(request).target or "") if is_partial(request) else ""


def vary(response: HttpResponse) -> HttpResponse:
    """Adds to Vary and never assigns it: others have put their own names there."""
    patch_vary_headers(response, VARIES_BY)
    return response


def fresh(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """What is true at this moment only, such as a part of a page that fetches itself: no cache keeps it."""
    response = render(request, template, context)
    patch_cache_control(response, private=True, no_store=True)
    return vary(response)


def trigger(response: HttpResponse, event: str, details: dict[str, Any] | None = None) -> HttpResponse:
    """Lets the page's script hear of an event. Several may be set; non-ASCII text arrives whole."""
    trigger_client_event(response, event, details or {})
    return response


def toast(
    response: HttpResponse, *, tone: Tone = "ok", title: Text, text: Text = "", request_id: str = ""
) -> HttpResponse:
    """A short notice in the corner of the page that asked. A bad one stays, and shows the request id."""
    return trigger(response, "toast", {"tone": tone, "title": title, "text": text, "request_id": request_id})


def close(response: HttpResponse) -> HttpResponse:
    """Closes the dialog or sheet that asked."""
    return trigger(response, "close")


def later_toast(request: HttpRequest, *, tone: Tone = "ok", title: Text, text: Text = "") -> None:
    """The same notice for after a redirect: the next page shows it."""
    messages.add_message(request, LEVEL_OF_TONE[tone], str(title), extra_tags=str(text))


def redirect(request: HttpRequest, to: Any, *arguments: Any, **names: Any) -> HttpResponse:
    """Goes to another page. HTMX would follow a 302 by itself and swap the whole page into a fragment."""
    address = resolve_url(to, *arguments, **names)
    if not is_partial(request):
        return vary(HttpResponseRedirect(address))
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return vary(response)
