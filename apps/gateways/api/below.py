"""What endpoints have in common that are about something of one gateway: which one it is."""

from functools import cached_property
from typing import Any

from apps.gateways.api.gateways import GatewayViewSet
from apps.gateways.models import FunctionGateway
from apps.gateways.selectors import get_gateway
from apps.tenants.api_base import TenantApi

ID = GatewayViewSet.lookup_value_regex
OF_ONE = f"api-gateways/(?P<gateway_id>{ID})"


class OfGateway(TenantApi):
    """Below a gateway's address, which is asked for once however often it's needed."""

    path_parameters: dict[str, dict[str, Any]] = {
        "gateway_id": {"schema": {"type": "string", "pattern": f"^{ID}$"}, "description": "The gateway's id."}
    }

    @cached_property
    def gateway(self) -> FunctionGateway:
        return get_gateway(actor=self.actor, gateway_id=self.kwargs["gateway_id"])
