"""A new trigger, and what the form says about its schedule while somebody types."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from apps.core import clock
from apps.core.errors import Conflict, NotAllowed, Text
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.core.web.forms import Done, FormView
from apps.functions.models import Function
from apps.gateways.sizes import StageName
from apps.gateways.views.base import AboutGateway
from apps.triggers.cron import BadExpression, Schedule, parse
from apps.triggers.forms import NewTriggerForm
from apps.triggers.selectors import UPCOMING
from apps.triggers.services import create_trigger
from apps.triggers.services.checking import refusal_of_zone
from apps.triggers.services.locking import CHANGE
from apps.triggers.views.about import url_of
from apps.triggers.views.shown import moment_in, stages_for
from apps.triggers.words import in_words
from apps.triggers.zones import is_zone

FORM = "triggers/form.html"


class New(AboutGateway, FormView):
    form_class = NewTriggerForm
    template_name = FORM
    overlay = "sheet"
    title = gettext_lazy("New cron trigger")
    lead = gettext_lazy("It calls a function of this gateway whenever its time comes, to the second.")
    submit_label = gettext_lazy("Create trigger")

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        stages = stages_for(self.actor)
        if not stages:
            self.actor.require(CHANGE, row=self.gateway, stage=StageName.DEV)
            raise NotAllowed
        form: Any = super().get_form(data, files)
        rows = Function.objects.of(self.actor.tenant).filter(gateway=self.gateway, deleted_at=None, stage__in=stages)
        names = [str(row) for row in rows.order_by("base_name", "stage").only("stage", "base_name")]
        if not names:
            raise Conflict(_("Save a function first, in a stage where you may set triggers."))
        form.fields["function"].choices = [(name, name) for name in names]
        return form

    def get_initial(self) -> dict[str, Any]:
        zone = self.actor.person.time_zone
        asked = self.request.GET
        return {
            "function": asked.get("function", ""),
            "expression": asked.get("expression", "0 9 * * mon-fri"),
            "zone": zone if is_zone(zone) else "UTC",
        }

    def get_context(self) -> dict[str, Any]:
        asked = self.request.POST if self.request.method == "POST" else self.get_initial()
        return {"gateway": self.gateway, **preview_of(str(asked.get("expression", "")), str(asked.get("zone", "")))}

    def save(self, form: Any) -> Done:
        wanted = dict(form.cleaned_data)
        trigger = create_trigger(actor=self.actor, gateway=self.gateway, function_name=wanted.pop("function"), **wanted)
        return Done(
            _("%(trigger)s is set") % {"trigger": trigger.function_name},
            url=url_of("detail", trigger),
            events={"triggers": {}},
        )

    def get_back_url(self) -> str:
        return address("triggers:list", gateway_id=self.gateway.pk)

    def get_back_label(self) -> Text:
        return str(self.gateway)


class Preview(AboutGateway, View):
    """Beside the fields, never into them."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.actor.require("functions.read", row=self.gateway)
        context = preview_of(request.POST.get("expression", ""), request.POST.get("zone", ""))
        response = render(request, f"{FORM}#preview", context)
        response["Cache-Control"] = "private, no-store"
        return htmx.vary(response)


def preview_of(expression: str, zone: str) -> dict[str, Any]:
    """The schedule in words with its next runs, or what is wrong with it."""
    try:
        found = parse(expression)
    except BadExpression as error:
        return {"refusal": str(error)}
    words = in_words(found)
    if not is_zone(zone):
        return {"words": words, "refusal": refusal_of_zone()}
    upcoming = Schedule.of(expression, zone).upcoming(clock.now(), UPCOMING)
    return {"words": words, "zone": zone, "upcoming": [moment_in(zone, at) for at in upcoming]}
