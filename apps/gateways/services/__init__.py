"""What people do with function gateways: they write what is wanted, and the life cycle brings it about."""

from apps.gateways.services.changes import change_gateway, set_egress, switch_stage, transfer_gateway
from apps.gateways.services.creating import create_gateway, is_name_free
from apps.gateways.services.domains import check_domain, remove_domain, set_domain
from apps.gateways.services.states import delete_gateway, restart_gateway, start_gateway, stop_gateway
from apps.gateways.services.variables import Setting, set_variables, settings_from_env

__all__ = [
    "Setting",
    "change_gateway",
    "check_domain",
    "create_gateway",
    "delete_gateway",
    "is_name_free",
    "remove_domain",
    "restart_gateway",
    "set_domain",
    "set_egress",
    "set_variables",
    "settings_from_env",
    "start_gateway",
    "stop_gateway",
    "switch_stage",
    "transfer_gateway",
]
