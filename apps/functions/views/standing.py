"""Whether what was saved is live, in words; and what else somebody at the editor has to hear of."""

from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views import View

from apps.core.errors import Text
from apps.functions.models import Function, FunctionVersion
from apps.functions.presence import names_of_editors
from apps.functions.publishing import Live, await_live, standing_of
from apps.functions.selectors import head_of, list_versions
from apps.functions.views.about import AboutFunction, answer


@dataclass(frozen=True)
class SaveBar:
    """What the bar below the editor says. `is_settled`: nothing more will come by itself."""

    tone: str
    icon: str
    title: Text
    detail: Text = ""
    is_settled: bool = True


def savebar_of(function: Function, live: Live) -> SaveBar:
    version = {"version": head_of(function).number, "live": function.live_version}
    match live.state:
        case "live":
            title = _("v%(version)d is live") % version
            if live.ms is not None:
                title = _("v%(version)d live in %(ms)s ms") % {**version, "ms": _rounded(live.ms)}
            return SaveBar("ok", "zap", title, _parts(live))
        case "publishing":
            return SaveBar("busy", "clock", _("v%(version)d is being published") % version, is_settled=False)
        case "waiting":
            told = _("It isn't running. It goes live when it starts.")
            return SaveBar("idle", "clock", _("v%(version)d is saved and waits for the gateway") % version, told)
        case _:
            keeps = _("v%(live)d keeps serving.") % version if function.live_version else ""
            title = _("v%(version)d is saved, but not live") % version
            return SaveBar("bad", "error", title, " ".join(filter(None, (str(live.error), keeps))))


def standing(function: Function, live: Live | None = None) -> dict[str, Any]:
    """For the page's script."""
    head, bar = head_of(function), savebar_of(function, live or _asked(function))
    return {
        "version": head.number,
        "saved_by": head.saved_by_name,
        "saved_by_id": head.saved_by_id,
        "bar": {**asdict(bar), "title": str(bar.title), "detail": str(bar.detail)},
    }


class Standing(AboutFunction, LoginRequiredMixin, View):
    """How it stands now. `?files` adds what was saved, for those who have changed nothing meanwhile; `?since=3`,
    whether what is there has the code of that version.
    """

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        function = self.function
        told = {**standing(function), "editors": names_of_editors(actor=self.actor, function=function)}
        head = head_of(function)
        if "since" in request.GET:
            told["is_same"] = _has_code_of(head, self._version(request.GET["since"]))
        if "files" in request.GET:
            told |= {"files": head.files, "entrypoint": head.entrypoint}
        return answer(told)

    def _version(self, number: str) -> FunctionVersion | None:
        if not number.isdecimal():
            return None
        rows = list_versions(actor=self.actor, function=self.function).defer("files")
        return rows.filter(number=int(number[:9])).first()


def _has_code_of(head: FunctionVersion, other: FunctionVersion | None) -> bool:
    return other is not None and (head.hashes, head.entrypoint) == (other.hashes, other.entrypoint)


def _asked(function: Function) -> Live:
    """What the rows don't know yet, the runtimes may have said already."""
    live = standing_of(function)
    return await_live(function, within=0) if live.state == "publishing" else live


def _parts(live: Live) -> str:
    """Where the time went."""
    parts = (("compile", live.compile_ms), ("store", live.store_ms), ("load", live.load_ms))
    found = {name: _rounded(ms) for name, ms in parts if ms is not None}
    if len(found) < len(parts):
        return ""
    return _("compile %(compile)s, store %(store)s, load %(load)s ms") % found


def _rounded(ms: float) -> str:
    return f"{ms:.1f}" if ms < 1 else f"{ms:.0f}"
