"""Custom domains in words: what they are, and in which tone."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from apps.core.errors import Text
from apps.gateways.certificates import MEANING
from apps.gateways.custom_domains import CustomStanding, custom_standing
from apps.gateways.lifecycle.custom_domains import NO_RECORD
from apps.gateways.lifecycle.table import State
from apps.gateways.models import CustomDomain, FunctionGateway
from apps.gateways.selectors import address_of, custom_domain_of
from apps.gateways.sizes import StageName

Phase = CustomDomain.Phase


@dataclass(frozen=True)
class ShownDomain:
    """A custom domain in words."""

    standing: CustomStanding
    word: Text
    tone: str
    url: str

    @property
    def host(self) -> str:
        return self.standing.domain.host

    @property
    def stage(self) -> str:
        return self.standing.stage

    @property
    def certificate_told(self) -> Text:
        return MEANING[self.standing.certificate]

    @property
    def alert(self) -> str:
        """That nobody has made the record yet is nothing wrong."""
        domain = self.standing.domain
        is_usual = domain.phase == Phase.WAITING and domain.because == NO_RECORD and not domain.has_stopped
        return "info" if is_usual else "warn"

    @property
    def last_check_at(self) -> datetime | None:
        return self.standing.domain.checked_at


def shown_domains(gateway: FunctionGateway) -> list[ShownDomain]:
    """In the order of stages; those that there are."""
    rows = {row.name: row for row in gateway.stages.all()}
    found = [(name, custom_domain_of(rows[name])) for name in StageName if name in rows]
    return [_shown(gateway, domain, name) for name, domain in found if domain is not None]


def _shown(gateway: FunctionGateway, domain: CustomDomain, stage: str) -> ShownDomain:
    standing = custom_standing(gateway, domain, stage)
    word, tone = _said(gateway, standing)
    return ShownDomain(standing, word, tone, address_of(gateway, domain.host))


def _said(gateway: FunctionGateway, standing: CustomStanding) -> tuple[Text, str]:
    domain = standing.domain
    if domain.has_stopped:
        return _("not looked for any more"), "bad"
    if domain.phase == Phase.LOSING:
        return Phase.LOSING.label, "warn"
    if domain.phase == Phase.WAITING:
        return Phase.WAITING.label, "busy"
    if standing.is_serving:
        return _("serving"), "ok"
    if gateway.wanted in (State.STOPPED, State.DELETED):
        return _("proven, not serving"), "idle"
    return _("proven, waits for routes"), "busy"
