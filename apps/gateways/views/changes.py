"""Dialogs that change what a gateway is called, how much it may use, who owns it and which stages serve."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Conflict, InvalidInput
from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.gateways.forms import BundleForm, EgressForm, RenameForm, StageForm, TransferForm
from apps.gateways.lifecycle.table import State
from apps.gateways.models import Stage
from apps.gateways.services.changes import change_gateway, set_egress, switch_stage, transfer_gateway
from apps.gateways.sizes import Layout, SizeName
from apps.gateways.views.base import ChangesGateway, ChangesStage
from apps.gateways.views.cards import layout_cards, size_cards
from apps.gateways.views.shown import cpu_of, hosts_in_lines, memory_of, processes_told
from apps.tenants import roles
from apps.tenants.selectors import list_members

NOTICED_BY_NOBODY = gettext_lazy("New processes take the place of the old ones. No call is dropped.")


class _Change(ChangesGateway, FormView):
    """Opens from the settings and from the menu of every tab."""

    def get_initial(self) -> dict[str, Any]:
        return {"version": self.gateway.version}

    def get_back_url(self) -> str:
        return address("gateways:settings", gateway_id=self.gateway.pk)


class Rename(_Change):
    form_class = RenameForm
    submit_label = gettext_lazy("Rename")

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "title": self.gateway.title}

    def get_context(self) -> dict[str, Any]:
        return {"title": _("Rename %(gateway)s") % {"gateway": self.gateway}}

    def save(self, form: Any) -> Done:
        values = form.cleaned_data
        row = change_gateway(actor=self.actor, gateway=self.gateway, title=values["title"], version=values["version"])
        return Done(_("It's called %(gateway)s now") % {"gateway": row}, url=self.get_back_url())


class ChangeBundle(_Change):
    """What it may use, and which stages share a process; what it has now stands beside each choice."""

    form_class = BundleForm
    template_name = "gateways/bundle.html"
    overlay = "sheet"
    submit_label = gettext_lazy("Change bundle")

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "size": self.gateway.size, "layout": self.gateway.layout}

    def get_context(self) -> dict[str, Any]:
        return {
            "title": _("Change the bundle of %(gateway)s") % {"gateway": self.gateway},
            "lead": NOTICED_BY_NOBODY
            if self.gateway.state != State.STOPPED
            else _("It counts from the next start on."),
            "sizes": size_cards(),
            "layouts": layout_cards(),
            "preview_url": self.request.path,
            **self._before_and_after(),
        }

    def _before_and_after(self) -> dict[str, Any]:
        asked = self.request.POST or self.request.GET
        size, layout = asked.get("size", ""), asked.get("layout", "")
        size = size if size in SizeName.values else self.gateway.size
        layout = layout if layout in Layout.values else self.gateway.layout
        return {
            "changes": [
                (_("Bundle"), SizeName(self.gateway.size).label, SizeName(size).label),
                (_("CPU of each process"), cpu_of(self.gateway.size), cpu_of(size)),
                (_("Memory of each process"), memory_of(self.gateway.size), memory_of(size)),
                (_("Processes"), _names(self.gateway.layout), _names(layout)),
            ]
        }

    def save(self, form: Any) -> Done:
        values = form.cleaned_data
        change_gateway(
            actor=self.actor,
            gateway=self.gateway,
            size=values["size"],
            layout=values["layout"],
            version=values["version"],
        )
        title = _("%(gateway)s has another bundle") % {"gateway": self.gateway}
        text = str(NOTICED_BY_NOBODY) if self.gateway.state != State.STOPPED else ""
        return Done(title, text, url=address("gateways:detail", gateway_id=self.gateway.pk))


class SetEgress(_Change):
    """Where its functions may connect to, and which hosts count."""

    permission = "gateways.secrets"
    form_class = EgressForm
    overlay = "sheet"
    template_name = "gateways/egress.html"
    submit_label = gettext_lazy("Set outgoing calls")
    lead = NOTICED_BY_NOBODY

    def get_initial(self) -> dict[str, Any]:
        hosts = "\n".join(self.gateway.egress_hosts)
        return {**super().get_initial(), "egress_mode": self.gateway.egress_mode, "egress_hosts": hosts}

    def get_context(self) -> dict[str, Any]:
        return {"title": _("Outgoing calls of %(gateway)s") % {"gateway": self.gateway}}

    def save(self, form: Any) -> Done:
        values = form.cleaned_data
        hosts = values["egress_hosts"].replace(",", " ").split()
        try:
            row = set_egress(
                actor=self.actor,
                gateway=self.gateway,
                mode=values["egress_mode"],
                hosts=hosts,
                version=values["version"],
            )
        except InvalidInput as refused:
            raise InvalidInput(fields=_at_their_field(refused.fields)) from None
        return Done(_("Outgoing calls of %(gateway)s are set") % {"gateway": row}, url=self.get_back_url())


class Transfer(_Change):
    form_class = TransferForm
    submit_label = gettext_lazy("Transfer ownership")
    lead = gettext_lazy("The new owner may stop, change and delete it. Nothing about it changes otherwise.")

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        form = super().get_form(data, files)
        able = roles.roles_that_may("gateways.operate", kind=self.actor.tenant.kind, is_own=True)
        people = list_members(actor=self.actor).filter(role__in=able, person__is_active=True)
        others: Iterable[Any] = people.exclude(person_id=self.gateway.owner_id or "").order_by("person__name", "pk")
        form.fields["owner"].choices = [(row.person_id, f"{row.person} ({row.role})") for row in others]
        return form

    def get_context(self) -> dict[str, Any]:
        return {"title": _("Give %(gateway)s to somebody else") % {"gateway": self.gateway}}

    def save(self, form: Any) -> Done:
        row = transfer_gateway(actor=self.actor, gateway=self.gateway, owner_id=form.cleaned_data["owner"])
        return Done(_("%(gateway)s belongs to %(owner)s now") % {"gateway": row, "owner": row.owner})


class _Switch(ChangesStage):
    def get_touches(self) -> list[Touch]:
        hosts = hosts_in_lines(self.gateway, self.stage.name)
        return [Touch(_("Gateway"), str(self.gateway)), Touch(_("Answers at"), hosts, is_code=True)]

    def get_back_url(self) -> str:
        return address("gateways:settings", gateway_id=self.gateway.pk)


class SwitchOff(_Switch, FormView):
    """Callers are told why, so a reason is asked for."""

    form_class = StageForm
    template_name = "overlays/confirm.html"
    is_dangerous = True

    def get_context(self) -> dict[str, Any]:
        names = {"stage": self.stage.name}
        if self.stage.state != Stage.State.ACTIVE:
            raise Conflict(_("%(stage)s is switched off already.") % names)
        touches = [*self.get_touches(), Touch(_("Callers"), _("Get 503 with your reason, from now on."))]
        title, label = _("Switch %(stage)s off?") % names, _("Switch %(stage)s off") % names
        return {"title": title, "submit_label": label, "touches": touches}

    def save(self, form: Any) -> Done:
        switch_stage(
            actor=self.actor,
            gateway=self.gateway,
            stage=self.kwargs["stage"],
            state=Stage.State.INACTIVE,
            reason=form.cleaned_data["reason"],
        )
        return Done(_("%(stage)s is switched off") % {"stage": self.kwargs["stage"]})


class SwitchOn(_Switch, ConfirmView):
    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        names = {"stage": self.stage.name}
        title, label = _("Switch %(stage)s on?") % names, _("Switch %(stage)s on") % names
        return {**super().get_context(), "title": title, "submit_label": label}

    def run(self) -> Done:
        stage = self.kwargs["stage"]
        switch_stage(actor=self.actor, gateway=self.gateway, stage=stage, state=Stage.State.ACTIVE)
        return Done(_("%(stage)s is switched on") % {"stage": stage})


def _at_their_field(fields: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The hosts are lines of one field here."""
    found: dict[str, list[Any]] = {}
    for path, errors in fields.items():
        found.setdefault(path.strip("/").partition("/")[0], []).extend(errors)
    return found


def _names(layout: str) -> str:
    return f"{Layout(layout).label}: {processes_told(layout)}"
