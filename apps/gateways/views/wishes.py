"""What is wanted of one gateway: started, restarted, stopped, deleted. Each names what it touches before it's done."""

from abc import ABC, abstractmethod
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.core.web.forms import ConfirmView, Done, Touch
from apps.gateways.services.states import delete_gateway, restart_gateway, start_gateway, stop_gateway
from apps.gateways.views.base import AboutGateway, ChangesGateway
from apps.gateways.views.shown import hosts_in_lines, is_being_created, processes_told, statephase_of


class _Wish(ChangesGateway, ConfirmView, ABC):
    def get_touches(self) -> list[Touch]:
        shown = statephase_of(self.gateway)
        return [
            Touch(_("Gateway"), f"{self.gateway} ({self.gateway.name})"),
            Touch(_("Now"), shown.phase),
            *self.get_consequences(),
        ]

    @abstractmethod
    def get_consequences(self) -> list[Touch]: ...


class Start(_Wish):
    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        names = {"gateway": self.gateway}
        return {
            **super().get_context(),
            "title": _("Start %(gateway)s?") % names,
            "submit_label": _("Start %(gateway)s") % names,
        }

    def get_consequences(self) -> list[Touch]:
        return [
            Touch(_("Starts"), _processes(self)),
            Touch(_("Answers at"), hosts_in_lines(self.gateway), is_code=True),
        ]

    def run(self) -> Done:
        start_gateway(actor=self.actor, gateway=self.gateway)
        return Done(_("%(gateway)s is being started") % {"gateway": self.gateway})


class Restart(_Wish):
    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        names = {"gateway": self.gateway}
        return {
            **super().get_context(),
            "title": _("Restart %(gateway)s?") % names,
            "submit_label": _("Restart %(gateway)s") % names,
        }

    def get_consequences(self) -> list[Touch]:
        return [
            Touch(_("Replaced"), _processes(self)),
            Touch(_("Callers"), _("Don't notice: the old ones serve until the new ones are ready.")),
        ]

    def run(self) -> Done:
        restart_gateway(actor=self.actor, gateway=self.gateway)
        return Done(_("%(gateway)s is being restarted") % {"gateway": self.gateway})


class Stop(_Wish):
    def get_context(self) -> dict[str, Any]:
        names = {"gateway": self.gateway}
        return {
            **super().get_context(),
            "title": _("Stop %(gateway)s?") % names,
            "submit_label": _("Stop %(gateway)s") % names,
        }

    def get_consequences(self) -> list[Touch]:
        return [
            Touch(ENDS, _processes(self)),
            Touch(_("Stops answering"), hosts_in_lines(self.gateway), is_code=True),
            Touch(_("Callers"), _("Calls under way are finished, new ones get 404.")),
            Touch(_("Stays"), _("Its database, variables and names. Start it again at any time.")),
        ]

    def run(self) -> Done:
        stop_gateway(actor=self.actor, gateway=self.gateway)
        return Done(_("%(gateway)s is being stopped") % {"gateway": self.gateway})


class Delete(_Wish):
    """Also of one that is still being created: it's undone then."""

    permission = "gateways.delete"
    overlay = "sheet"

    def get_typed_name(self) -> str:
        return "" if is_being_created(self.gateway) else self.gateway.name

    def get_context(self) -> dict[str, Any]:
        names = {"gateway": self.gateway}
        if is_being_created(self.gateway):
            title, lead, label = _("Stop creating %(gateway)s?"), SO_FAR, _("Stop creating %(gateway)s")
        else:
            title, lead, label = _("Delete %(gateway)s for good?"), FOR_GOOD, _("Delete %(gateway)s")
        return {**super().get_context(), "title": title % names, "lead": lead, "submit_label": label % names}

    def get_consequences(self) -> list[Touch]:
        gateway = self.gateway
        database = getattr(gateway, "database", None)
        secrets = gateway.variables.filter(is_secret=True).count()
        counted = {"variables": gateway.variables.count() - secrets, "secrets": secrets}
        return [
            Touch(_("Stops answering"), hosts_in_lines(gateway), is_code=True),
            Touch(ENDS, _processes(self)),
            Touch(_("Destroyed"), _("The database %(name)s with everything in it") % {"name": database})
            if database
            else Touch(_("Destroyed"), _("No database yet")),
            Touch(_("Forgotten"), _("Variables: %(variables)d, secrets: %(secrets)d") % counted),
            Touch(_("Way back"), _("None. Its timeline and the audit log stay.")),
        ]

    def run(self) -> Done:
        delete_gateway(actor=self.actor, gateway=self.gateway)
        return Done(_("%(gateway)s is being deleted") % {"gateway": self.gateway})


ENDS = pgettext_lazy("processes", "Ends")
FOR_GOOD = gettext_lazy("Traffic goes first, then what runs, its data last. None of it can be brought back.")
SO_FAR = gettext_lazy("What was made so far is removed.")


def _processes(view: AboutGateway) -> str:
    return _("The processes of its stages: %(names)s") % {"names": processes_told(view.gateway.layout)}
