"""What the tests of gateways' pages share."""

from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway

GATEWAYS = "/t/tidewater/gateways"
IN_SHEET = {"HX-Request": "true", "HX-Target": "sheet"}
ASKING = {"HX-Request": "true", "HX-Target": "live"}
IN_ROWS = {"HX-Request": "true", "HX-Target": "variables"}
BELOW = ("", "/environment", "/history", "/settings")


def put_up(gateway: FunctionGateway, **values: object) -> FunctionGateway:
    """As it is once it has come up."""
    wanted = {"phase": Phase.STARTED, "observed_generation": gateway.generation, "due_at": None, **values}
    FunctionGateway.objects.filter(pk=gateway.pk).update(**wanted)
    gateway.refresh_from_db()
    return gateway
