"""The npm packages of a gateway: what is there, what each brings, and how a change of them is getting on."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import InvalidInput, NotFound
from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.functions.dependencies.forms import AddForm, VersionForm
from apps.functions.dependencies.selectors import dependencies_of
from apps.functions.dependencies.services import PERMISSION, discard_change, set_dependencies
from apps.functions.dependencies.shown import STEPS, because_of, is_under_way, shown_packages
from apps.functions.dependencies.wanted import LATEST
from apps.functions.models import Dependencies
from apps.gateways.lifecycle.table import State
from apps.gateways.views.base import ChangesGateway
from apps.gateways.views.live import Part, render_part
from apps.gateways.views.page import GatewayPage

PAGE = "dependencies/list.html"


class Packages(GatewayPage):
    template_name = PAGE
    tab = "dependencies"
    tab_label = gettext_lazy("Dependencies")

    def get_parts(self) -> list[Part]:
        self.actor.require("functions.read", row=self.gateway)
        row = dependencies_of(actor=self.actor, gateway=self.gateway)
        query = self.request.GET.get("q", "")[:100]
        may_change = self.may(PERMISSION) and self.gateway.state != State.DELETED
        base = {"gateway": self.gateway, "row": row, "may_change": may_change}
        progress = {
            **base,
            "is_under_way": is_under_way(row),
            "has_failed": row.state == Dependencies.State.FAILED or (row.state != "ready" and not is_under_way(row)),
            "step": STEPS.get(row.step, ""),
            "because": because_of(row) or _("It wasn't finished. Try again."),
            "asked": [f"{name}@{version}" for name, version in sorted(row.wanted.items())],
        }
        table = {
            **base,
            "packages": shown_packages(row, query),
            "query": query,
            "has_any": bool(row.lock and row.lock.wanted),
            "can_change": may_change and not is_under_way(row),
        }
        return [
            render_part(f"{PAGE}#progress", "dependencies-progress", progress),
            render_part(f"{PAGE}#packages", "dependencies-packages", table),
        ]

    def get_context(self) -> dict[str, Any]:
        return {
            "progress": self.parts[0],
            "packages": self.parts[1],
            "query": self.request.GET.get("q", "")[:100],
            "may_change": self.may(PERMISSION) and self.gateway.state != State.DELETED,
        }


class _Changes(ChangesGateway):
    permission = PERMISSION

    @property
    def row(self) -> Dependencies:
        return dependencies_of(actor=self.actor, gateway=self.gateway)

    @property
    def present(self) -> dict[str, str]:
        row = self.row
        return dict(row.lock.wanted) if row.lock else {}

    def get_back_url(self) -> str:
        return address("dependencies:list", gateway_id=self.gateway.pk)

    def ask(self, wanted: dict[str, str]) -> Done:
        set_dependencies(actor=self.actor, gateway=self.gateway, wanted=wanted)
        return Done(_("The packages are being fetched"), _("Nothing changes until all of them fit."))


class Add(_Changes, FormView):
    form_class = AddForm
    title = gettext_lazy("Add packages")
    lead = gettext_lazy("They're locked to exact versions. No script of a package runs.")
    submit_label = gettext_lazy("Add")

    def get_initial(self) -> dict[str, Any]:
        return {"packages": self.request.GET.get("packages", "")[:200]}

    def get_context(self) -> dict[str, Any]:
        return {"title": self.title, "lead": self.lead}

    def save(self, form: Any) -> Done:
        added: dict[str, str] = form.cleaned_data["packages"]
        try:
            return self.ask({**self.present, **{name: version or LATEST for name, version in added.items()}})
        except InvalidInput as problem:
            problem.fields = {"packages": [error for errors in problem.fields.values() for error in errors]}
            raise


class _ChangesPackage(_Changes):
    @property
    def name(self) -> str:
        name: str = self.kwargs["name"]
        if name not in self.present:
            raise NotFound
        return name


class Update(_ChangesPackage, FormView):
    form_class = VersionForm
    submit_label = gettext_lazy("Change version")

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        self.require(self.permission)
        return VersionForm(data, files, initial={"version": LATEST}, name=self.name)

    def get_context(self) -> dict[str, Any]:
        told = {"name": self.name, "version": self.present[self.name]}
        return {
            "title": _("Another version of %(name)s") % told,
            "lead": _("It's %(version)s now. Functions that use it are compiled before anything changes.") % told,
        }

    def save(self, form: Any) -> Done:
        return self.ask({**self.present, self.name: form.cleaned_data["version"] or LATEST})


class Remove(_ChangesPackage, ConfirmView):
    def get_context(self) -> dict[str, Any]:
        told = {"name": self.name}
        title, label = _("Remove %(name)s?") % told, _("Remove %(name)s") % told
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        return [
            Touch(_("Package"), f"{self.name}@{self.present[self.name]}", is_code=True),
            Touch(_("Gateway"), str(self.gateway)),
            Touch(_("Functions"), _("If one still imports it, nothing changes, and you are told which.")),
            Touch(_("Way back"), _("Add it again.")),
        ]

    def run(self) -> Done:
        present = self.present
        del present[self.name]
        return self.ask(present)


class Again(_Changes, ConfirmView):
    """The change that was refused, once more as it was."""

    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        return {**super().get_context(), "title": _("Try these packages again?"), "submit_label": _("Try again")}

    def get_touches(self) -> list[Touch]:
        asked = ", ".join(f"{name}@{version}" for name, version in sorted(self.row.wanted.items()))
        return [Touch(_("Packages"), asked or _("None"), is_code=bool(asked)), Touch(_("Gateway"), str(self.gateway))]

    def run(self) -> Done:
        row = self.row
        if row.state == Dependencies.State.READY:
            raise NotFound
        return self.ask(dict(row.wanted))


class Discard(_Changes, ConfirmView):
    def get_context(self) -> dict[str, Any]:
        return {**super().get_context(), "title": _("Discard this change?"), "submit_label": _("Discard the change")}

    def get_touches(self) -> list[Touch]:
        asked = ", ".join(f"{name}@{version}" for name, version in sorted(self.row.wanted.items()))
        return [
            Touch(_("Asked for"), asked or _("No packages"), is_code=bool(asked)),
            Touch(_("Functions"), _("Stay as they are.")),
            Touch(_("Way back"), _("Ask for it again.")),
        ]

    def run(self) -> Done:
        discard_change(actor=self.actor, gateway=self.gateway)
        return Done(_("The change was discarded"))
