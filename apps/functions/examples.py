"""The function of a gateway that is the easiest to call."""

from apps.functions import names
from apps.functions.models import Function
from apps.gateways.examples import Example
from apps.gateways.models import FunctionGateway
from apps.gateways.sizes import StageName


def example_of(gateway: FunctionGateway) -> Example | None:
    """Asks for nothing, where there is one that does; in the first stage that has any."""
    rows = Function.objects.filter(gateway=gateway, deleted_at=None).order_by("base_name")
    found = list(rows.values_list("stage", "base_name", "methods"))
    if not found:
        return None
    stages = list(StageName.values)
    stage, base_name, methods = min(
        found,
        key=lambda row: (stages.index(row[0]), "GET" not in (row[2] or ["GET"]), len(names.parameters_of(row[1]))),
    )
    return Example(stage, "GET" if "GET" in (methods or ["GET"]) else methods[0], names.example_of(base_name))
