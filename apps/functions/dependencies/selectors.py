from apps.functions.models import Dependencies
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member


def dependencies_of(*, actor: Member, gateway: FunctionGateway) -> Dependencies:
    """Also of a gateway that never had any."""
    actor.require("functions.read", row=gateway)
    rows = Dependencies.objects.of(actor.tenant).select_related("lock", "gateway")
    found = rows.defer("lock__bundle", "lock__types", "lock__lock_file").filter(gateway=gateway).first()
    return found or Dependencies(tenant_id=gateway.tenant_id, gateway=gateway)


def count_dependencies(gateway: FunctionGateway) -> int:
    """For the tab of its pages."""
    wanted = Dependencies.objects.filter(gateway=gateway).values_list("lock__wanted", flat=True).first()
    return len(wanted or {})
