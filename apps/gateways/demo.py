"""Gateways of the demo world."""

from apps.gateways.models import FunctionGateway
from apps.gateways.selectors import hosts_of
from apps.gateways.sizes import StageName

NAMES = ("parcel-tracking",)


def demo_hosts() -> list[str]:
    """Where they answer, for the table that `up` prints."""
    found = FunctionGateway.objects.filter(name__in=NAMES).select_related("cluster").order_by("created_at")
    return [host for gateway in found for host in hosts_of(gateway, StageName.DEV)]
