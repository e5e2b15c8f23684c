"""Dialogs that change a function beside its code: its settings, its name, a copy, its end and its return."""

from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from apps.core.errors import NotFound, Text
from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.functions.forms import CopyForm, NameForm, RestoreForm, SettingsForm, in_stages
from apps.functions.models import Function
from apps.functions.names import Name, path_of, read_name, written
from apps.functions.selectors import called_at, get_function, list_functions
from apps.functions.services import (
    copy_function,
    delete_function,
    rename_function,
    restore_function,
    save_function,
)
from apps.functions.services.locking import SAVE
from apps.functions.sweeping import ends_at
from apps.functions.views.about import AboutFunction, edit_url
from apps.functions.views.shown import stages_for


class _Change(AboutFunction, FormView):
    """Whoever may not write in its stage is refused before anything is shown, with the role that may."""

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        self.actor.require(SAVE, row=self.function, stage=self.function.stage)
        return super().get_form(data, files)

    def get_back_url(self) -> str:
        return address("functions:list", gateway_id=self.gateway.pk)

    def get_back_label(self) -> Text:
        return str(self.gateway)

    def done(self, title: str, url: str = "") -> Done:
        return Done(title, url=url, events={"functions": {}})


class Change(_Change):
    form_class = SettingsForm
    overlay = "sheet"
    submit_label = gettext_lazy("Save settings")
    lead = gettext_lazy("They count from the next call on, and make a version of their own.")

    def get_initial(self) -> dict[str, Any]:
        row = self.function
        return {
            "base_version": row.version,
            "description": row.description,
            "methods": row.methods,
            "timeout_ms": row.timeout_ms,
            "tags": ", ".join(row.tags),
        }

    def get_context(self) -> dict[str, Any]:
        return {"title": _("Settings of %(name)s") % {"name": self.function}}

    def save(self, form: Any) -> Done:
        row = save_function(actor=self.actor, function=self.function, **form.cleaned_data)
        return self.done(_("%(name)s has other settings") % {"name": row})


class Rename(_Change):
    form_class = NameForm
    submit_label = pgettext_lazy("a function", "Rename")

    def get_initial(self) -> dict[str, Any]:
        return {"name": written(Name(self.function.stage, self.function.base_name))}

    def get_context(self) -> dict[str, Any]:
        lead = _("Calls to %(path)s get 404 from then on. In other stages it stays as it is.")
        return {
            "title": _("Rename %(name)s") % {"name": self.function},
            "lead": lead % {"path": path_of(self.function.base_name)},
        }

    def save(self, form: Any) -> Done:
        row = rename_function(actor=self.actor, function=self.function, name=form.cleaned_data["name"])
        return self.done(_("It's called %(name)s now") % {"name": row})


class Copy(AboutFunction, FormView):
    form_class = CopyForm
    submit_label = gettext_lazy("Copy")
    lead = gettext_lazy("With its code and settings as they are now. What it was compiled to goes along.")

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        stages = stages_for(self.actor)
        if not stages:
            self.actor.require(SAVE, row=self.function, stage=self.function.stage)
        return in_stages(super().get_form(data, files), stages)

    def get_initial(self) -> dict[str, Any]:
        stages = list(stages_for(self.actor))
        stage = self.function.stage if self.function.stage in stages else stages[0] if stages else ""
        return {"name": f"{self.function.base_name}-copy", "stage": stage}

    def get_context(self) -> dict[str, Any]:
        return {"title": _("Copy %(name)s") % {"name": self.function}}

    def save(self, form: Any) -> Done:
        name = read_name(form.cleaned_data["name"], stage=form.cleaned_data["stage"])
        row = copy_function(actor=self.actor, function=self.function, name=str(name))
        return Done(_("%(name)s is made") % {"name": row}, url=edit_url(row), events={"functions": {}})

    def get_back_url(self) -> str:
        return address("functions:list", gateway_id=self.gateway.pk)


class Delete(_Change, ConfirmView):
    def get_context(self) -> dict[str, Any]:
        names = {"name": self.function}
        title, label = _("Delete %(name)s?") % names, _("Delete %(name)s") % names
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        row = self.function
        others = list_functions(actor=self.actor, gateway=row.gateway).filter(base_name=row.base_name)
        stays = ", ".join(str(each) for each in others.exclude(pk=row.pk).order_by("stage"))
        return [
            Touch(_("Function"), f"{row}, v{row.version}", is_code=True),
            Touch(_("Callers of"), called_at(row), is_code=True),
            Touch(_("They get"), _("404, from now on. Calls under way are finished.")),
            *([Touch(_("Stays"), stays, is_code=True)] if stays else []),
            Touch(_("Way back"), _("The recycle bin, for a while.")),
        ]

    def run(self) -> Done:
        row = delete_function(actor=self.actor, function=self.function)
        return self.done(_("%(name)s is in the recycle bin") % {"name": row}, url=self.get_back_url())


class Restore(_Change):
    """Its name stands there, to be changed where somebody else has it by now."""

    form_class = RestoreForm
    submit_label = gettext_lazy("Restore")

    @property
    def function(self) -> Function:
        if self._function is None:
            found = get_function(actor=self.actor, function_id=self.kwargs["function_id"], with_deleted=True)
            if found.gateway_id != self.kwargs["gateway_id"] or found.deleted_at is None:
                raise NotFound
            self._function = found
        return self._function

    def get_initial(self) -> dict[str, Any]:
        return {"name": written(Name(self.function.stage, self.function.base_name))}

    def get_context(self) -> dict[str, Any]:
        lead = _("It answers again at its path in %(stage)s, as it was. It would be gone for good on %(on)s.")
        until = ends_at(self.function)
        on = date_format(localtime(until), pgettext("date", "j M Y")) if until else ""
        words = {"stage": self.function.stage, "on": on}
        return {"title": _("Restore %(name)s?") % {"name": self.function}, "lead": lead % words}

    def save(self, form: Any) -> Done:
        row = restore_function(actor=self.actor, function=self.function, name=form.cleaned_data["name"])
        return self.done(_("%(name)s is back") % {"name": row}, url=edit_url(row))

    def get_back_url(self) -> str:
        return address("functions:bin", gateway_id=self.gateway.pk)
