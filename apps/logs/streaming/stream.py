"""`GET /live/logs?gateway=gw_…`: the lines of a gateway's log as text/event-stream, for as long as it's open.

With the filters of the page and the API (`stage`, `function`, `request_id`, `level`, `q`). Each line is a message with
a line's JSON. It goes on after `Last-Event-ID`, or `since=` of a page; without one it begins now. `skipped` says how
many lines were left out for somebody who doesn't keep up, `away` that the gateway's database can't be reached at the
moment, `ended` why nothing comes any more. `ping` comes every ten seconds.
"""

import re
from collections.abc import AsyncIterator

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.access.authentication import SCHEME
from apps.access.problems import TokenRefused
from apps.access.use import find_token, note_use
from apps.core import throttling
from apps.core.errors import InvalidInput, NotAllowed, NotFound, NotSignedIn, TooManyRequests
from apps.core.events.stream import HEADERS, answered, require_our_page
from apps.gateways.store import Away
from apps.logs.asking import FOLLOWED, read_filter
from apps.logs.streaming.askers import Asker, read_ticket, still_allowed
from apps.logs.streaming.tails import Watcher, tails

PATH = "/live/logs"
MOST_OF_PERSON, MOST_OF_GATEWAY, MOST_GATEWAYS = 10, 100, 200
READY_WITHIN = 5.0
KNOWN = FOLLOWED | {"gateway", "ticket", "since"}
_SNAPSHOT = re.compile(r"\d{1,19}:\d{1,19}:(?:\d{1,19}(?:,\d{1,19}){0,200})?")
_ID = re.compile(r"[0-9a-zA-Z_-]{1,64}")


@require_safe
async def follow(request: HttpRequest) -> HttpResponseBase:
    return await answered(request, _open)


async def _open(request: HttpRequest) -> StreamingHttpResponse:
    require_our_page(request)
    if unknown := sorted(set(request.GET) - KNOWN):
        raise InvalidInput(fields={f"?{unknown[0]}": [_("There is no such parameter here.")]})
    gateway_id = request.GET.get("gateway", "")
    if not _ID.fullmatch(gateway_id):
        raise InvalidInput(fields={"?gateway": [_("Name the gateway by its id.")]})
    since = request.headers.get("Last-Event-ID") or request.GET.get("since", "")
    if since and not _SNAPSHOT.fullmatch(since):
        raise _no_place()
    asked = request.GET.copy()
    asked.pop("since", None)
    wanted = read_filter(asked)
    asker = await sync_to_async(_asker)(request, gateway_id)
    (person_id,) = await sync_to_async(still_allowed)([(asker, gateway_id)])
    if not person_id:
        # Also for what belongs to others: whether it's there is no business of theirs
        raise NotFound
    _require_room(person_id, gateway_id)
    watcher = Watcher(gateway_id=gateway_id, asker=asker, person_id=person_id, wanted=wanted)
    tail = tails.join(watcher)
    # Whatever comes from here on is told by the tail
    joined_at = tail.snapshot
    try:
        if not await tail.is_ready(READY_WITHIN):
            raise Away(headers={"Retry-After": "3"})
        joined_at = joined_at or tail.first
        if since and since != joined_at:
            await tail.missed(watcher, since, joined_at)
    except BaseException as error:
        tails.leave(watcher)
        if isinstance(error, psycopg.DataError):
            # Numbers that no snapshot has in this order
            raise _no_place() from error
        if isinstance(error, psycopg.Error):
            raise Away(headers={"Retry-After": "3"}) from error
        raise
    watcher.say("ping")
    return StreamingHttpResponse(_messages(watcher), content_type="text/event-stream", headers=HEADERS)


def _no_place() -> InvalidInput:
    return InvalidInput(fields={"?since": [_("This isn't a place that a stream has given out.")]})


async def _messages(watcher: Watcher) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 2000\n\n"
        while waiting := await watcher.next():
            yield waiting
    finally:
        tails.leave(watcher)


def _asker(request: HttpRequest, gateway_id: str) -> Asker:
    if ticket := request.GET.get("ticket"):
        asker = read_ticket(ticket, gateway_id)
        if asker is None:
            raise NotAllowed(_("This address was for a minute only. Ask for the logs again."))
        return asker
    scheme, _space, sent = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == SCHEME.lower():
        return _asker_of_token(sent.strip(), request.META.get("REMOTE_ADDR", ""))
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not session_key:
        raise NotSignedIn
    return Asker(session_key=session_key)


def _asker_of_token(sent: str, address: str) -> Asker:
    try:
        token = find_token(sent)
    except TokenRefused:
        # Whoever tries tokens is counted as a stranger, as the API does
        allowance = throttling.take("api", person_id=None, address=address)
        if not allowance.allowed:
            raise TooManyRequests(headers=allowance.headers) from None
        raise
    note_use(token, sent, address=address)
    return Asker(token_id=token.pk)


def _require_room(person_id: str, gateway_id: str) -> None:
    is_full = (
        tails.of_person(person_id) >= MOST_OF_PERSON
        or tails.of_gateway(gateway_id) >= MOST_OF_GATEWAY
        or (not tails.of_gateway(gateway_id) and tails.connections >= MOST_GATEWAYS)
    )
    if is_full:
        message = _("Too many follow logs at the moment. Close some of your pages, or come back in a while.")
        raise TooManyRequests(message, headers={"Retry-After": "15"})
