"""What the views of one trigger share."""

from typing import Any

from apps.core.errors import NotFound, Text
from apps.core.web.addresses import address
from apps.gateways.views.base import AboutGateway
from apps.triggers.models import Trigger
from apps.triggers.selectors import get_trigger


class AboutTrigger(AboutGateway):
    """Whose id is in the address, below its gateway's."""

    _trigger: Trigger | None = None

    @property
    def trigger(self) -> Trigger:
        if self._trigger is None:
            found = get_trigger(actor=self.actor, trigger_id=self.kwargs["trigger_id"])
            if found.gateway_id != self.kwargs["gateway_id"]:
                raise NotFound
            self._trigger = found
        return self._trigger

    def get_back_url(self) -> str:
        return url_of("detail", self.trigger)

    def get_back_label(self) -> Text:
        return self.trigger.function_name


def url_of(name: str, trigger: Trigger, **more: Any) -> str:
    return address(f"triggers:{name}", gateway_id=trigger.gateway_id, trigger_id=str(trigger.pk), **more)
