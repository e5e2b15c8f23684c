"""A gateway's variables and secrets. A secret goes in and is never shown again."""

from typing import Any

from django import forms
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from apps.core.errors import InvalidInput, NotFound, Text
from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.gateways.forms import Row, VariableForm, filled
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway, Variable
from apps.gateways.selectors import list_variables
from apps.gateways.services.variables import Setting, set_variables
from apps.gateways.views.base import ChangesGateway
from apps.gateways.views.live import Part, render_part
from apps.gateways.views.page import GatewayPage
from apps.gateways.views.rows import WithRows

PAGE = "gateways/environment.html"


def what_follows(gateway: FunctionGateway) -> Text:
    """From when on a change counts."""
    if gateway.state == State.STOPPED:
        return _("The gateway is stopped, so it counts from the next start on.")
    return _("Its processes are replaced one after the other. No call is dropped.")


class Environment(GatewayPage):
    template_name = PAGE
    tab = "environment"
    tab_label = gettext_lazy("Environment")

    def get_parts(self) -> list[Part]:
        rows = list(list_variables(actor=self.actor, gateway=self.gateway))
        context = {"rows": rows, "gateway": self.gateway, "may_change": self.may_change}
        return [render_part(f"{PAGE}#variables", "variables-list", context)]

    @property
    def may_change(self) -> bool:
        return self.may("gateways.secrets") and self.gateway.state != State.DELETED

    def get_context(self) -> dict[str, Any]:
        return {
            "may_change": self.may_change,
            "variables_list": self.parts[0],
            "what_follows": what_follows(self.gateway),
        }


class _ChangesVariables(ChangesGateway):
    permission = "gateways.secrets"

    def get_back_url(self) -> str:
        return address("gateways:environment", gateway_id=self.gateway.pk)

    def done(self, title: str) -> Done:
        return Done(title, str(what_follows(self.gateway)))


@method_decorator(never_cache, name="dispatch")
class SetVariables(_ChangesVariables, WithRows):
    """New ones, and other values of those that are there."""

    form_class = forms.Form
    template_name = "gateways/set_variables.html"
    overlay = "sheet"
    submit_label = gettext_lazy("Set variables")
    rows = (Row(),)

    def get_context(self) -> dict[str, Any]:
        title = _("Set variables of %(gateway)s") % {"gateway": self.gateway}
        return {**self.rows_context(), "title": title, "lead": what_follows(self.gateway)}

    def save(self, form: Any) -> Done:
        if not filled(self.rows):
            raise InvalidInput(fields={"__all__": [_("Write at least one variable, or paste a .env file.")]})
        with self.errors_at_rows():
            set_variables(actor=self.actor, gateway=self.gateway, settings=self.settings)
        count = len(self.settings)
        return self.done(ngettext("%(count)d variable set", "%(count)d variables set", count) % {"count": count})


class _ChangesVariable(_ChangesVariables):
    _variable: Variable | None = None

    @property
    def variable(self) -> Variable:
        if self._variable is None:
            found = list_variables(actor=self.actor, gateway=self.gateway).filter(pk=self.kwargs["variable_id"])
            self._variable = found.first()
        if self._variable is None:
            raise NotFound
        return self._variable


@method_decorator(never_cache, name="dispatch")
class ReplaceVariable(_ChangesVariable, FormView):
    form_class = VariableForm
    submit_label = gettext_lazy("Save the new value")

    def get_initial(self) -> dict[str, Any]:
        return {"value": "" if self.variable.is_secret else self.variable.value}

    def get_context(self) -> dict[str, Any]:
        if self.variable.is_secret:
            title, lead = _("Replace the secret %(name)s"), _("The value of now isn't shown to anybody.")
        else:
            title, lead = _("Change %(name)s"), ""
        told = " ".join(filter(None, (lead, str(what_follows(self.gateway)))))
        return {"title": title % {"name": self.variable.name}, "lead": told}

    def save(self, form: Any) -> Done:
        wanted = Setting(self.variable.name, form.cleaned_data["value"], self.variable.is_secret)
        try:
            set_variables(actor=self.actor, gateway=self.gateway, settings=[wanted])
        except InvalidInput as problem:
            problem.fields = {"value": [error for errors in problem.fields.values() for error in errors]}
            raise
        return self.done(_("%(name)s has a new value") % {"name": self.variable.name})


class RemoveVariable(_ChangesVariable, ConfirmView):
    def get_context(self) -> dict[str, Any]:
        names = {"name": self.variable.name}
        title, label = _("Remove %(name)s?") % names, _("Remove %(name)s") % names
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        kind = _("Secret") if self.variable.is_secret else _("Variable")
        way_back = _("None: its value is forgotten.") if self.variable.is_secret else _("Set it again.")
        return [
            Touch(kind, self.variable.name, is_code=True),
            Touch(_("Gateway"), str(self.gateway)),
            Touch(_("Functions"), _("Those that read it find nothing there.")),
            Touch(_("At once"), what_follows(self.gateway)),
            Touch(_("Way back"), way_back),
        ]

    def run(self) -> Done:
        name = self.variable.name
        set_variables(actor=self.actor, gateway=self.gateway, remove=[name])
        return self.done(_("%(name)s was removed") % {"name": name})
