"""The host names of a gateway's stages: the platform's, and one of its workspace's own for each."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Conflict, NotFound, TooManyRequests
from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.gateways.forms import DomainForm
from apps.gateways.lifecycle.table import State
from apps.gateways.models import CustomDomain
from apps.gateways.selectors import custom_domain_of, hosts_of
from apps.gateways.services.domains import check_domain, remove_domain, set_domain
from apps.gateways.sizes import StageName
from apps.gateways.views.base import ChangesStage
from apps.gateways.views.custom_domains import shown_domains
from apps.gateways.views.live import Part, render_part
from apps.gateways.views.page import GatewayPage

PAGE = "gateways/domains.html"


class Domains(GatewayPage):
    template_name = PAGE
    tab = "domains"
    tab_label = gettext_lazy("Domains")

    def get_parts(self) -> list[Part]:
        gateway = self.with_stages
        customs = {shown.stage: shown for shown in shown_domains(gateway)}
        may_change = self.may("gateways.operate") and gateway.state != State.DELETED
        made = {row.name for row in gateway.stages.all()}
        self.stages = []
        for name in StageName:
            context = {
                "gateway": gateway,
                "stage": name.value,
                "host": hosts_of(gateway, name)[0],
                "custom": customs.get(name),
                "may_change": may_change and name in made,
            }
            self.stages.append(render_part(f"{PAGE}#stage", f"domain-{name}", context))
        return self.stages

    def get_context(self) -> dict[str, Any]:
        return {"stages": self.stages}


class _ChangesDomain(ChangesStage):
    @property
    def domain(self) -> CustomDomain:
        found = custom_domain_of(self.stage)
        if found is None:
            raise NotFound(_("This stage has no domain of its own."))
        return found

    def get_back_url(self) -> str:
        return address("gateways:domains", gateway_id=self.gateway.pk)


class AddDomain(_ChangesDomain, FormView):
    form_class = DomainForm
    submit_label = gettext_lazy("Add the domain")
    lead = gettext_lazy("Next come two records to make in DNS: one proves that it's yours, one leads calls here.")

    def get_context(self) -> dict[str, Any]:
        stage = self.stage
        if domain := custom_domain_of(stage):
            raise Conflict(_("%(stage)s has %(host)s already. Remove it first.") % {"stage": stage, "host": domain})
        return {"title": _("Add a domain to %(stage)s") % {"stage": stage}}

    def save(self, form: Any) -> Done:
        name = self.stage.name
        set_domain(actor=self.actor, gateway=self.gateway, stage=name, host=form.cleaned_data["host"])
        return Done(_("Now make its records in DNS"), _("They're looked for by themselves."), url=self.get_back_url())


class CheckDomain(_ChangesDomain, ConfirmView):
    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        names = {"host": self.domain.host}
        title, label = _("Check %(host)s now?") % names, _("Check %(host)s") % names
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        return [Touch(_("Asked for"), self.domain.host, is_code=True)]

    def run(self) -> Done:
        host = self.domain.host
        try:
            check_domain(actor=self.actor, gateway=self.gateway, stage=self.kwargs["stage"])
        except TooManyRequests as problem:
            raise Conflict(problem.detail) from None
        return Done(_("%(host)s is being checked") % {"host": host}, url=self.get_back_url())


class RemoveDomain(_ChangesDomain, ConfirmView):
    def get_context(self) -> dict[str, Any]:
        names = {"host": self.domain.host}
        title, label = _("Remove %(host)s?") % names, _("Remove %(host)s") % names
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        domain = self.domain
        served = domain.proven_at is not None
        return [
            Touch(_("Domain"), domain.host, is_code=True),
            Touch(_("Stage"), f"{self.stage} ({self.gateway})"),
            Touch(_("Callers"), _("Get 404 there, from now on.") if served else _("None: it isn't served yet.")),
            Touch(_("Stays"), hosts_of(self.gateway, self.stage.name)[0], is_code=True),
            Touch(_("Way back"), _("Add it again: it's proven anew, with another record.")),
        ]

    def run(self) -> Done:
        host = self.domain.host
        remove_domain(actor=self.actor, gateway=self.gateway, stage=self.kwargs["stage"])
        return Done(_("%(host)s was removed") % {"host": host}, url=self.get_back_url())
