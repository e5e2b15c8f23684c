"""The log of one gateway, and which gateway's it shall be."""

from collections.abc import Iterator
from typing import Any

import orjson
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from apps.core import clock
from apps.core.errors import InvalidInput
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.core.web.forms import Done, FormView
from apps.gateways.lifecycle.table import State
from apps.gateways.selectors import list_gateways
from apps.gateways.store import Away
from apps.gateways.views.base import AboutGateway, ChangesGateway, InGateways
from apps.gateways.views.page import GatewayPage
from apps.logs.asking import read_filter
from apps.logs.forms import RetentionForm
from apps.logs.lines import LogLine
from apps.logs.problems import SearchTookTooLong
from apps.logs.selectors import download_logs, names_of_writers, read_logs, retention_of
from apps.logs.services import change_retention
from apps.logs.views.shown import Asked, follow_url, shown_lines

PAGE = "logs/log.html"
VIEW = "log-view"


class Log(GatewayPage):
    template_name = PAGE
    tab = "logs"
    tab_label = gettext_lazy("Logs")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.actor.require("functions.read")
        if htmx.target(request) == VIEW:
            return htmx.fresh(request, f"{PAGE}#view", {**self.get_context(), "gateway": self.gateway})
        return super().get(request, *args, **kwargs)

    def get_context(self) -> dict[str, Any]:
        asked = Asked(self.request)
        retention = retention_of(actor=self.actor, gateway=self.gateway)
        context = {
            "asked": asked,
            "fields": {
                **{name: asked.first(name) for name in ("q", "function", "request_id")},
                **{name: asked.moment(name) for name in ("since", "until")},
            },
            **asked.choices(),
            "retention": retention,
            "may_change": self.may("gateways.operate") and self.gateway.state != State.DELETED,
            "zone": timezone.get_current_timezone_name(),
            "download_url": f"{address('logs:download', gateway_id=self.gateway.pk)}?{asked.query()}",
            "problem": None,
            "page": None,
            "path": self.request.path,
        }
        try:
            page = read_logs(actor=self.actor, gateway=self.gateway, wanted=asked.filter, cursor=asked.cursor)
        except InvalidInput:
            # A link that is old
            asked.cursor = None
            page = read_logs(actor=self.actor, gateway=self.gateway, wanted=asked.filter)
        except (Away, SearchTookTooLong) as problem:
            return {**context, "problem": problem, "is_away": isinstance(problem, Away)}
        follows = page.newer is None and not asked.looks_back
        return {
            **context,
            "page": page,
            "lines": shown_lines(page, self.request.path),
            "names": names_of_writers(self.gateway),
            "older_url": f"{self.request.path}?{asked.query(cursor=page.older)}" if page.older else "",
            "newer_url": f"{self.request.path}?{asked.query(cursor=page.newer)}" if page.newer else "",
            "now_url": f"{self.request.path}?{asked.query(until=None, since=None)}",
            "follow_url": follow_url(self.request, self.gateway, asked, page) if follows else "",
        }


class Download(AboutGateway, LoginRequiredMixin, View):
    """What the page's filters find, a line of JSON for each, the newest first."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> StreamingHttpResponse:
        wanted = read_filter(request.GET)
        lines = download_logs(actor=self.actor, gateway=self.gateway, wanted=wanted)
        response = StreamingHttpResponse(_encoded(lines), content_type="application/x-ndjson")
        name = f"{self.gateway.name}-logs-{clock.now():%Y%m%d-%H%M%S}.ndjson"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["X-Accel-Buffering"] = "no"
        patch_cache_control(response, private=True, no_store=True)
        return response


class Retention(ChangesGateway, FormView):
    form_class = RetentionForm
    submit_label = gettext_lazy("Save")

    def get_initial(self) -> dict[str, Any]:
        row = retention_of(actor=self.actor, gateway=self.gateway)
        return {"days": row.days, "megabytes": row.megabytes, "version": row.version}

    def get_context(self) -> dict[str, Any]:
        title = _("How long the log of %(gateway)s is kept") % {"gateway": self.gateway}
        return {"title": title, "lead": _("What is beyond it is dropped within ten minutes, for good.")}

    def get_back_url(self) -> str:
        return address("logs:log", gateway_id=self.gateway.pk)

    def save(self, form: Any) -> Done:
        row = change_retention(actor=self.actor, gateway=self.gateway, **form.cleaned_data)
        said = _("At most %(days)d days and %(megabytes)d MB.") % {"days": row.days, "megabytes": row.megabytes}
        return Done(_("The log is kept as you said"), said, url=self.get_back_url(), events={"log-retention": {}})


class Choose(InGateways, LoginRequiredMixin, View):
    """The only gateway's log, or which one it shall be."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.actor.require("functions.read")
        rows = list(list_gateways(actor=self.actor).select_related("cluster").order_by("title", "pk")[:500])
        if len(rows) == 1:
            return redirect(address("logs:log", gateway_id=rows[0].pk))
        return render(request, "logs/choose.html", {"gateways": rows})


def _encoded(lines: Iterator[LogLine]) -> Iterator[bytes]:
    """In pieces of some kilobytes: each that is sent costs a switch."""
    piece: list[bytes] = []
    for line in lines:
        piece.append(orjson.dumps(line.as_json()) + b"\n")
        if len(piece) >= 200:
            yield b"".join(piece)
            piece.clear()
    if piece:
        yield b"".join(piece)
