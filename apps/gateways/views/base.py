"""What the pages of gateways share."""

from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.core.errors import NotFound, Text
from apps.core.web.addresses import address
from apps.gateways.models import FunctionGateway, Stage
from apps.gateways.selectors import get_gateway
from apps.tenants.member import Member
from apps.tenants.requests import member_of


class InGateways:
    """For a view below /gateways: who acts there. Its forms lead back to the list."""

    request: HttpRequest
    kwargs: dict[str, Any]
    back_label: ClassVar[Text] = _("Gateways")

    @property
    def actor(self) -> Member:
        return member_of(self.request)

    def get_back_url(self) -> str:
        return address("gateways:list")


class AboutGateway(InGateways):
    """For a view of one gateway, which is in the address."""

    @cached_property
    def gateway(self) -> FunctionGateway:
        return get_gateway(actor=self.actor, gateway_id=self.kwargs["gateway_id"])

    @property
    def with_stages(self) -> FunctionGateway:
        """The gateway with its stages and their domains, read at once."""
        rows = Stage.objects.select_related("custom_domain")
        prefetch_related_objects([self.gateway], Prefetch("stages", rows))
        return self.gateway

    @property
    def is_own(self) -> bool:
        return bool(self.gateway.owner_id == self.actor.pk)

    def may(self, permission: str) -> bool:
        return self.actor.may(permission, is_own=self.is_own)

    def require(self, permission: str) -> None:
        self.actor.require(permission, row=self.gateway, is_own=self.is_own)

    def get_back_url(self) -> str:
        return address("gateways:detail", gateway_id=self.gateway.pk)


class ChangesGateway(AboutGateway):
    """For a form or a dialog that changes it: whoever may not is refused before anything is shown."""

    permission: ClassVar[str] = "gateways.operate"

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        self.require(self.permission)
        return super().get_form(data, files)  # type: ignore[misc]


class ChangesStage(ChangesGateway):
    """The same for one of its stages, which is in the address too."""

    @property
    def stage(self) -> Stage:
        rows = self.gateway.stages.select_related("custom_domain")
        found: Stage | None = rows.filter(name=self.kwargs["stage"]).first()
        if found is None:
            raise NotFound
        return found
