"""Warnings and errors on a gateway's first page, which asks for them by itself: they lie in another database."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.views import View

from apps.core import clock
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.gateways.models import FunctionGateway
from apps.gateways.store import Away
from apps.gateways.views.base import AboutGateway
from apps.gateways.views.live import SEEN, Part, render_part
from apps.logs.lines import LogLine
from apps.logs.problems import SearchTookTooLong
from apps.logs.reading import Repeated
from apps.logs.selectors import COUNTED_AMONG, read_warned
from apps.logs.views.shown import where_of
from apps.tenants.member import Member

PART = "warned"
TEMPLATE = "logs/card.html"
SPAN = timedelta(hours=24)
WARNED = "warn,error"
# Of a line's text, which may be as long as a page
LONGEST_SEARCH = 120


@dataclass(frozen=True)
class ShownWarning:
    line: LogLine
    times: int
    where: str
    # The lines of that function and level, those that say the same, and all of the newest one's call
    url: str
    same_url: str
    call_url: str


def log_card(gateway: FunctionGateway, actor: Member) -> Part:
    """The frame, without asking the gateway's database: a page doesn't wait for one that is away."""
    part = _framed(gateway, _since())
    # It never comes anew with the page's other parts: that would take away what it has found
    return replace(part, sign=PART)


class Warned(AboutGateway, LoginRequiredMixin, View):
    """Whoever comes here without the page is led to the same lines in the log."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.actor.require("functions.read")
        gateway, since = self.gateway, _since()
        if not htmx.is_partial(request):
            return htmx.vary(redirect(_log_url(gateway, since)))
        content = render_to_string(f"{TEMPLATE}#content", self._found(since))
        mark = blake2b(content.encode(), digest_size=6).hexdigest()
        if request.GET.get(SEEN) == mark:
            # Nothing moves under the pointer
            response = HttpResponse(status=204)
        else:
            response = HttpResponse(_framed(gateway, since, content=content, vals=f'{{"{SEEN}": "{mark}"}}').html)
        patch_cache_control(response, private=True, no_store=True)
        return htmx.vary(response)

    def _found(self, since: datetime) -> dict[str, Any]:
        try:
            found = read_warned(actor=self.actor, gateway=self.gateway, since=since)
        except Away:
            return {"is_away": True}
        except SearchTookTooLong:
            return {"is_slow": True}
        url = address("logs:log", gateway_id=self.gateway.pk)
        lines = [_shown(each, url, since) for each in found.lines]
        return {"lines": lines, "counted": COUNTED_AMONG if found.among >= COUNTED_AMONG else 0}


def _framed(gateway: FunctionGateway, since: datetime, **content: str) -> Part:
    url = address("logs:warned", gateway_id=gateway.pk)
    return render_part(TEMPLATE, PART, {"url": url, "log_url": _log_url(gateway, since), **content})


def _since() -> datetime:
    """To the minute: within it the card, and its links, stay the same."""
    return (clock.now() - SPAN).replace(second=0, microsecond=0)


def _log_url(gateway: FunctionGateway, since: datetime) -> str:
    query = urlencode({"level": WARNED, "since": _written(since)})
    return f"{address('logs:log', gateway_id=gateway.pk)}?{query}"


def _shown(found: Repeated, url: str, since: datetime) -> ShownWarning:
    line = found.line
    wanted = {"stage": line.stage, "function": line.function, "level": line.level}
    # A field for what is looked for has no place for a second line
    said = line.text.strip().split("\n", 1)[0][:LONGEST_SEARCH].strip()

    def link(**query: str) -> str:
        return f"{url}?{urlencode({name: value for name, value in query.items() if value})}"

    return ShownWarning(
        line,
        found.times,
        where_of(line),
        url=link(**wanted, since=_written(since)),
        same_url=link(**wanted, q=said, since=_written(since)) if found.times > 1 else "",
        call_url=link(request_id=line.request_id) if line.request_id else "",
    )


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
