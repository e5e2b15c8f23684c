"""Gateways that don't move, for those who run the platform: why, what was tried, and what may be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from apps.core.durations import exactly
from apps.core.errors import Conflict, InvalidInput, NotFound, Problem, StaleVersion, Text
from apps.core.lifecycle.timeline import Kind
from apps.core.web import htmx
from apps.core.web.forms import add_errors
from apps.fleet.concerns import Concern
from apps.fleet.views.base import ForOperators, show
from apps.gateways.lifecycle.diagnosis import Cure, Diagnosis, Remedy
from apps.gateways.lifecycle.sight import diagnose, list_stuck
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import LONGEST_REASON, FunctionGateway
from apps.gateways.progress import Line, Standing, StepProgress, label_of, progress_of, tell, timeline_of
from apps.gateways.services.mending import force_phase, mend_gateway
from apps.gateways.views.live import Parts, is_asked, render_part, take_seen
from apps.gateways.views.shown import seconds_told, statephase_of
from apps.tenants import roles
from apps.tenants.operators import is_allowed

# Lines of the timeline that are shown; equal attempts are one
ATTEMPTS = 12
# Lines of "Needs a look" on the fleet's page
MOST_CONCERNS = 3
PAGE = "fleet/stuck.html"
# That a gateway gets stuck is no event, only time that goes by: so the page looks from time to time, too
NEWS = "live, every 15s"
# Of more than that, those that have been so for longest come first anyway
MOST_LISTED = 30
STEP_STATUS: Mapping[Standing, str] = {Standing.DONE: "done", Standing.DOING: "failed", Standing.WAITING: ""}
LINE_TONES: Mapping[str, str] = {
    Kind.FAILED: "bad",
    Kind.STOPPED: "bad",
    Kind.RELEASED: "bad",
    Kind.FORCED: "bad",
    Kind.WAITS: "warn",
}


class MendForm(forms.Form):
    cure = forms.ChoiceField(choices=[(cure.value, cure.value) for cure in Cure])
    phase = forms.ChoiceField(
        label=gettext_lazy("Phase"), required=False, choices=[("", gettext_lazy("Choose a phase")), *Phase.choices]
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(
            attrs={"rows": 3, "placeholder": gettext_lazy("Kept in the audit log. The owner reads it too.")}
        ),
    )


@dataclass(frozen=True)
class ShownRemedy:
    remedy: Remedy
    # Why it can't be chosen; empty where it can
    refused: Text
    is_chosen: bool


@dataclass(frozen=True)
class ShownLine:
    line: Line

    @property
    def tone(self) -> str:
        return LINE_TONES.get(self.line.kind, "")

    @property
    def phase(self) -> Text:
        return label_of(self.line.phase, "")

    @property
    def step(self) -> Text:
        return label_of(self.line.phase, self.line.step)

    @property
    def worker(self) -> str:
        """Machine and process are enough to find it; the rest tells it from later ones."""
        return self.line.worker.partition("@")[0]

    @property
    def attempts(self) -> str:
        """3, or 3 to 31 for what was tried again and again with the same end."""
        if not self.line.attempt:
            return ""
        first = max(1, self.line.attempt - self.line.count + 1)
        return f"{first}–{self.line.attempt}" if first != self.line.attempt else str(first)


class StuckView(ForOperators, View):
    """What the list and the page of one share: the page is the list with one of them beside it."""

    permission = "gateways.mend"

    def _show(self, stuck: Sequence[Diagnosis], gateway: FunctionGateway | None) -> HttpResponse:
        if gateway is None:
            return self._show_none(stuck)
        if is_asked(self.request):
            seen = take_seen(self.request)
            parts: Parts = self._context(stuck, gateway)["parts"]
            return parts.answer(seen)
        if htmx.target(self.request) == "does":
            chosen = self._about(gateway, stuck)
            return show(self.request, f"{PAGE}#does", {**chosen, "is_part": True})
        return show(self.request, PAGE, self._context(stuck, gateway))

    def _show_none(self, stuck: Sequence[Diagnosis]) -> HttpResponse:
        parts = Parts([], topic="fleet", url=reverse("stuck:list"), trigger=NEWS)
        if is_asked(self.request):
            return parts.answer(set())
        return show(self.request, PAGE, {**self._list(stuck, None), "parts": parts})

    def _list(self, stuck: Sequence[Diagnosis], gateway: FunctionGateway | None) -> dict[str, Any]:
        """Those that have been so for longest, and the one that is looked at."""
        here = gateway.pk if gateway else ""
        listed = [each for place, each in enumerate(stuck) if place < MOST_LISTED or each.gateway.pk == here]
        return {
            "stuck": [(each, _spent(each), statephase_of(each.gateway)) for each in listed],
            "all_stuck": len(stuck),
            "all_gateways": FunctionGateway.objects.exclude(phase=Phase.DELETED).count(),
            "gateway": gateway,
        }

    def _context(
        self,
        stuck: Sequence[Diagnosis],
        gateway: FunctionGateway,
        form: MendForm | None = None,
        conflict: Problem | None = None,
    ) -> dict[str, Any]:
        context = {**self._list(stuck, gateway), **self._about(gateway, stuck, form), "conflict": conflict}
        because = render_part(f"{PAGE}#because", "because", context)
        # Its form is left alone while somebody writes in it, and goes once nothing is to be mended any more
        form_sign = "to mend" if context["diagnosis"] else "well"
        found = {
            "list": render_part(f"{PAGE}#list", "list", context),
            "reason": render_part(f"{PAGE}#reason", "reason", {**context, "because_part": because}, because),
            "attempts": render_part(f"{PAGE}#attempts", "attempts", context),
            "made_of": render_part(f"{PAGE}#made_of", "made-of", context),
            "remedies": replace(render_part(f"{PAGE}#remedies", "remedies-box", context), sign=form_sign),
        }
        followed = {gateway.pk, *(each.gateway.pk for each in stuck[:MOST_LISTED])}
        topic = " ".join(f"gateway:{pk}" for pk in sorted(followed))
        parts = Parts(list(found.values()), topic=topic, url=context["here"], trigger=NEWS)
        return {**context, **{f"{name}_part": part for name, part in found.items()}, "parts": parts}

    def _about(
        self, gateway: FunctionGateway, stuck: Sequence[Diagnosis], form: MendForm | None = None
    ) -> dict[str, Any]:
        # What the list was made from is the same moment; one that isn't in it is looked at by itself
        diagnosis = next((each for each in stuck if each.gateway.pk == gateway.pk), None) or diagnose(gateway)
        progress = progress_of(gateway)
        return {
            "here": reverse("stuck:gateway", args=[gateway.pk]),
            "csrf_token": get_token(self.request),
            "diagnosis": diagnosis,
            "spent": _spent(diagnosis) if diagnosis else "",
            "statephase": statephase_of(gateway),
            "progress": progress,
            "steps": [
                {"label": step.label, "note": _note(step), "status": _status(step.standing, diagnosis)}
                for step in progress.steps
            ]
            if progress
            else [],
            "lines": [ShownLine(tell(line)) for line in timeline_of(gateway)[:ATTEMPTS]],
            **self._choice(diagnosis, form),
        }

    def _choice(self, diagnosis: Diagnosis | None, form: MendForm | None) -> dict[str, Any]:
        if diagnosis is None:
            return {}
        refused = {each.cure: self._refusal(each) for each in diagnosis.remedies}
        asked = form.data.get("cure", "") if form else self.request.GET.get("cure", "")
        chosen = self._chosen(diagnosis, asked, refused)
        return {
            "form": form or MendForm(),
            "remedies": [ShownRemedy(each, refused[each.cure], each is chosen) for each in diagnosis.remedies],
            "chosen": chosen,
        }

    def _chosen(self, diagnosis: Diagnosis, asked: str, refused: Mapping[Cure, Text]) -> Remedy | None:
        """The one that was asked for, else the one that helps best, of those that can be chosen."""
        order = [*(each for each in diagnosis.remedies if each.cure == asked), diagnosis.advised, *diagnosis.remedies]
        return next((each for each in order if not refused[each.cure]), None)

    def _refusal(self, remedy: Remedy) -> Text:
        if not is_allowed(self.operator, remedy.permission):
            able = ", ".join(roles.roles_that_may(remedy.permission))
            return _("Needs the role %(role)s. Skips the checks, so it's the last resort.") % {"role": able}
        return str(remedy.cant_because) if remedy.cant_because else ""


class StuckList(StuckView):
    """`/fleet/stuck`, with the one that has been so for longest."""

    def get(self, request: HttpRequest) -> HttpResponse:
        stuck = list_stuck(_rows())
        if stuck and is_asked(request):
            # There was none when the page was made
            return htmx.redirect(request, reverse("stuck:list"))
        return self._show(stuck, next((each.gateway for each in stuck), None))


class StuckGateway(StuckView):
    """`/fleet/stuck/{gateway}`, also of one that isn't stuck any more."""

    def get(self, request: HttpRequest, gateway_id: str) -> HttpResponse:
        return self._show(list_stuck(_rows()), self._gateway(gateway_id))

    def post(self, request: HttpRequest, gateway_id: str) -> HttpResponse:
        gateway = self._gateway(gateway_id)
        form = MendForm(request.POST)
        if form.is_valid():
            try:
                self._mend(gateway, **form.cleaned_data)
            except InvalidInput as problem:
                add_errors(form, problem)
            except (Conflict, StaleVersion) as problem:
                return self._again(gateway, form, problem)
            else:
                title = _("%(gateway)s goes on") % {"gateway": gateway.name}
                htmx.later_toast(request, title=title, text=_("Its timeline says how far it comes."))
                return htmx.redirect(request, reverse("stuck:gateway", args=[gateway.pk]))
        return self._again(gateway, form)

    def _mend(self, gateway: FunctionGateway, *, cure: str, phase: str, reason: str) -> None:
        if cure == Cure.FORCE:
            force_phase(actor=self.operator, gateway=gateway, phase=phase, reason=reason)
        else:
            mend_gateway(actor=self.operator, gateway=gateway, cure=cure, reason=reason)

    def _again(self, gateway: FunctionGateway, form: MendForm, conflict: Problem | None = None) -> HttpResponse:
        """What was written is still there."""
        response = show(self.request, PAGE, self._context(list_stuck(_rows()), gateway, form, conflict))
        response.status_code = conflict.status if conflict else InvalidInput.status
        return response

    def _gateway(self, gateway_id: str) -> FunctionGateway:
        found = _rows().filter(pk=gateway_id).first()
        if found is None:
            raise NotFound
        return found


def concerns() -> list[Concern]:
    """For the fleet's page: those that have been stuck for longest."""
    return [
        Concern(
            "warn",
            "warn",
            _("%(gateway)s is stuck") % {"gateway": each.gateway.name},
            _("For %(span)s: %(because)s.") % {"span": _spent(each), "because": each.main.because},
            reverse("stuck:gateway", args=[each.gateway.pk]),
            each.advised.label,
        )
        for each in list_stuck(_rows())[:MOST_CONCERNS]
    ]


def count_stuck() -> int:
    return len(list_stuck())


def _rows() -> "QuerySet[FunctionGateway]":
    return FunctionGateway.objects.select_related("tenant", "cluster", "owner")


def _spent(diagnosis: Diagnosis) -> str:
    return exactly(diagnosis.sight.at - diagnosis.since)


def _status(standing: Standing, diagnosis: Diagnosis | None) -> str:
    if standing is Standing.DOING and not (diagnosis and diagnosis.is_stuck):
        return "active"
    return STEP_STATUS[standing]


def _note(step: StepProgress) -> str:
    if step.seconds is None or step.standing is not Standing.DOING:
        return seconds_told(step.seconds)
    spent = exactly(timedelta(seconds=step.seconds))
    return _("%(span)s, attempt %(attempt)d") % {"span": spent, "attempt": step.attempts} if step.attempts else spent
