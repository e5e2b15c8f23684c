"""`GET /live/events?topic=…&topic=…`: the events of these topics as text/event-stream, for as long as it's open.

It resumes after `Last-Event-ID` (or `last=`, for clients that can't send a header); without one it begins `age=`
seconds ago, which is how old the page is, or else now. The event `resync` stands for events that can't be told one
by one: refetch everything. `ping` comes every ten seconds and moves the id forward.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.core import context
from apps.core.errors import InvalidInput, NotAllowed, NotSignedIn, TooManyRequests, Unavailable
from apps.core.events.hub import Stream, hub, told, told_entries
from apps.core.events.listeners import Claim, judge
from apps.core.events.log import read_between
from apps.core.events.position import Position
from apps.core.events.urls import is_our_page
from apps.core.problems import as_problem, problem_response

logger = logging.getLogger(__name__)

MOST_TOPICS = 100
# Browsers open one for each visible tab
MOST_STREAMS = 20
OLDEST_PAGE = 86_400.0

HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    # Proxies such as nginx collect an answer before they pass it on, unless they are told
    "X-Accel-Buffering": "no",
}


@require_safe
async def events(request: HttpRequest) -> HttpResponseBase:
    return await answered(request, _open)


async def answered(
    request: HttpRequest, begin: Callable[[HttpRequest], Awaitable[HttpResponseBase]]
) -> HttpResponseBase:
    """A stream, or why there is none: outside of Django's middleware, so every error becomes its answer here."""
    with context.bound(request_id=context.new_request_id(), address=request.META.get("REMOTE_ADDR", "")):
        response: HttpResponseBase
        try:
            response = await begin(request)
        # Also a defect wants the same answer as in a page
        except Exception as error:
            response = await sync_to_async(problem_response)(as_problem(error), request)
        response["X-Request-Id"] = context.current().request_id
    _allow_our_pages(request, response)
    return response


def require_our_page(request: HttpRequest) -> None:
    """Where a browser asks. Programs send no origin."""
    request.get_host()  # raises for a host that isn't ours
    if request.headers.get("Origin") and not is_our_page(request):
        raise NotAllowed(_("Only the console's own pages may listen."))


async def _open(request: HttpRequest) -> StreamingHttpResponse:
    require_our_page(request)
    topics = _topics(request)
    if not await hub.start():
        raise Unavailable(_("The database can't be reached."), headers={"Retry-After": "2"})
    claim = Claim(request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""), topics)
    (verdict,) = await sync_to_async(judge)([claim])
    if not verdict.person_id:
        raise NotSignedIn
    if verdict.refused:
        raise NotAllowed(_("You can't listen to some of these topics."), topics=sorted(verdict.refused))
    if hub.streams_of(verdict.person_id) >= MOST_STREAMS:
        raise TooManyRequests(
            _("You have %(count)s live pages open; close some of them.") % {"count": MOST_STREAMS},
            headers={"Retry-After": "15"},
        )
    stream = Stream(claim=claim, person_id=verdict.person_id, tenants=verdict.tenants)
    return StreamingHttpResponse(_messages(request, stream), content_type="text/event-stream", headers=HEADERS)


async def _messages(request: HttpRequest, stream: Stream) -> AsyncIterator[bytes]:
    until = hub.join(stream)
    try:
        yield b"retry: 2000\n\n" + await _missed(request, stream, until)
        while waiting := await stream.next():
            yield waiting
    except DatabaseError as error:
        logger.warning("A stream can't be resumed: %s", error)
    finally:
        hub.leave(stream)


async def _missed(request: HttpRequest, stream: Stream, until: Position) -> bytes:
    since = _since(request, until)
    entries = None
    if since:
        entries = await sync_to_async(read_between)(since, until, stream.claim.topics, tenants=stream.tenants)
    if entries is None:
        return told("resync", until)
    return told_entries([entry.message() for entry in entries], until) if entries else told("ping", until)


def _since(request: HttpRequest, until: Position) -> Position | None:
    """None where nobody can know what the client has missed."""
    if last := request.headers.get("Last-Event-ID") or request.GET.get("last"):
        return Position.parse(last)
    if not (age := request.GET.get("age")):
        return until
    try:
        return hub.position_before(min(max(float(age), 0.0), OLDEST_PAGE))
    except ValueError:
        return None


def _topics(request: HttpRequest) -> frozenset[str]:
    topics = frozenset(request.GET.getlist("topic"))
    if not topics:
        raise InvalidInput(fields={"?topic": [_("Name at least one topic.")]})
    if len(topics) > MOST_TOPICS:
        raise InvalidInput(fields={"?topic": [_("At most %(count)s topics in one stream.") % {"count": MOST_TOPICS}]})
    return topics


def _allow_our_pages(request: HttpRequest, response: HttpResponseBase) -> None:
    """In development the page comes from another port of the same host; nobody else may read."""
    patch_vary_headers(response, ["Origin", "Cookie"])
    if is_our_page(request):
        response["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response["Access-Control-Allow-Credentials"] = "true"
