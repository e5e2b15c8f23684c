"""The live process: streams to open pages. Its pages and API are in `portal/wsgi.py`."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.urls import ResolverMatch, get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.prod")
django.setup(set_prefix=False)
# The pages' middleware is synchronous and would cost each stream a thread
settings.MIDDLEWARE = []

from apps.core.events.hub import hub  # noqa: E402 (needs the apps)
from apps.core.processes.heartbeat import start_heartbeat  # noqa: E402
from apps.core.processes.memory import settle_memory  # noqa: E402
from apps.logs.streaming.tails import tails  # noqa: E402

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def end_streams_at_signals() -> None:
    """The server waits for open answers before it tells the application to shut down, and streams never end.

    asyncio hears of a signal through a file descriptor, which still works with a handler of our own in its place.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(end_streams))


def end_streams() -> None:
    hub.stop()
    tails.stop()


class LiveHandler(ASGIHandler):
    """Django's handler, for requests that stay open for hours."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        else:
            # Not in Django's ThreadSensitiveContext: it keeps a thread, and with it a database connection, for each
            # request until its end. Here all synchronous code shares one thread and one connection.
            await self.handle(scope, receive, send)

    async def live(self, receive: Receive, send: Send) -> None:
        await receive()
        settle_memory()
        end_streams_at_signals()
        await hub.start(patience=0)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        end_streams()
        await send({"type": "lifespan.shutdown.complete"})

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """ROOT_URLCONF stays the console's, so that links to its pages can be made here."""
        request.resolver_match = get_resolver("portal.live_urls").resolve(request.path_info)
        return request.resolver_match


application = LiveHandler()
start_heartbeat("live", detail=lambda: {"clients": hub.size + tails.size})
