"""What is done to one trigger: changed, run at once, paused, resumed, deleted."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.triggers.forms import EditTriggerForm, initial_of
from apps.triggers.services import change_trigger, delete_trigger, pause_trigger, resume_trigger, run_trigger
from apps.triggers.services.locking import CHANGE
from apps.triggers.telling import words_of
from apps.triggers.views.about import AboutTrigger
from apps.triggers.views.new import FORM, preview_of
from apps.triggers.views.shown import moment_in

NEWS: dict[str, dict[str, Any]] = {"triggers": {}}


class _Changes(AboutTrigger):
    """Whoever may not is refused before anything is shown."""

    permission = CHANGE

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        self.actor.require(self.permission, row=self.trigger, stage=self.trigger.stage)
        return super().get_form(data, files)  # type: ignore[misc]


class Change(_Changes, FormView):
    form_class = EditTriggerForm
    template_name = FORM
    overlay = "sheet"
    submit_label = gettext_lazy("Save")

    def get_initial(self) -> dict[str, Any]:
        return initial_of(self.trigger)

    def get_context(self) -> dict[str, Any]:
        asked = self.request.POST if self.request.method == "POST" else self.get_initial()
        return {
            "title": _("Change the trigger of %(function)s") % {"function": self.trigger.function_name},
            "gateway": self.trigger.gateway,
            **preview_of(str(asked.get("expression", "")), str(asked.get("zone", ""))),
        }

    def save(self, form: Any) -> Done:
        change_trigger(actor=self.actor, trigger=self.trigger, **form.cleaned_data)
        return Done(_("%(trigger)s is changed") % {"trigger": self.trigger.function_name}, events=NEWS)


class _Asks(_Changes, ConfirmView):
    def get_touches(self) -> list[Touch]:
        return [
            Touch(_("Function"), self.trigger.function_name, is_code=True),
            Touch(_("When"), f"{words_of(self.trigger)} {self.trigger.zone}"),
        ]


class Run(_Asks):
    permission = "functions.call"
    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        names = {"function": self.trigger.function_name}
        title, label = _("Run %(function)s now?") % names, _("Run %(function)s") % names
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        called = f"{self.trigger.method} {self.trigger.path}"
        return [*super().get_touches(), Touch(_("Calls"), called, is_code=True)]

    def run(self) -> Done:
        run_trigger(actor=self.actor, trigger=self.trigger)
        names = {"function": self.trigger.function_name}
        return Done(_("%(function)s is being run") % names, _("Its history shows what came of it."), events=NEWS)


class Pause(_Asks):
    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        names = {"function": self.trigger.function_name}
        title, label = _("Pause the trigger of %(function)s?") % names, _("Pause trigger")
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        return [*super().get_touches(), Touch(_("At once"), _("It isn't due any more. A run under way goes on."))]

    def run(self) -> Done:
        pause_trigger(actor=self.actor, trigger=self.trigger)
        return Done(_("%(trigger)s is paused") % {"trigger": self.trigger.function_name}, events=NEWS)


class Resume(_Asks):
    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        names = {"function": self.trigger.function_name}
        title, label = _("Resume the trigger of %(function)s?") % names, _("Resume trigger")
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        upcoming = preview_of(self.trigger.expression, self.trigger.zone).get("upcoming") or []
        told = [Touch(_("Next run"), upcoming[0].local)] if upcoming else []
        return [*super().get_touches(), *told]

    def run(self) -> Done:
        resume_trigger(actor=self.actor, trigger=self.trigger)
        return Done(_("%(trigger)s is on again") % {"trigger": self.trigger.function_name}, events=NEWS)


class Delete(_Asks):
    # Its page goes with it
    leads_on = True

    def get_context(self) -> dict[str, Any]:
        names = {"function": self.trigger.function_name}
        title, label = _("Delete the trigger of %(function)s?") % names, _("Delete trigger")
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        runs = self.trigger.runs.count()
        next_at = self.trigger.next_at
        return [
            *super().get_touches(),
            *([Touch(_("Not run any more"), moment_in(self.trigger.zone, next_at).local)] if next_at else []),
            Touch(_("Forgotten"), _("Runs in its history: %(count)d") % {"count": runs}),
            Touch(_("Stays"), _("The function itself.")),
        ]

    def run(self) -> Done:
        where = address("triggers:list", gateway_id=self.trigger.gateway_id)
        delete_trigger(actor=self.actor, trigger=self.trigger)
        return Done(_("%(trigger)s is deleted") % {"trigger": self.trigger.function_name}, url=where, events=NEWS)
