from apps.functions.models import Dependencies
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member

PACKAGES = "node_modules/"


def dependencies_of(*, actor: Member, gateway: FunctionGateway) -> Dependencies:
    """Also of a gateway that never had any."""
    actor.require("functions.read", row=gateway)
    rows = Dependencies.objects.of(actor.tenant).select_related("lock", "gateway")
    found = rows.defer("lock__bundle", "lock__types", "lock__lock_file").filter(gateway=gateway).first()
    return found or Dependencies(tenant_id=gateway.tenant_id, gateway=gateway)


def types_of_packages(*, actor: Member, gateway: FunctionGateway) -> dict[str, str]:
    """Path to text, as an editor finds them beside a function's own files."""
    actor.require("functions.read", row=gateway)
    rows = Dependencies.objects.of(actor.tenant).filter(gateway=gateway)
    types = rows.values_list("lock__types", flat=True).first() or {}
    return {PACKAGES + path.removeprefix(PACKAGES): text for path, text in types.items()}


def count_dependencies(gateway: FunctionGateway) -> int:
    """For the tab of its pages."""
    wanted = Dependencies.objects.filter(gateway=gateway).values_list("lock__wanted", flat=True).first()
    return len(wanted or {})
