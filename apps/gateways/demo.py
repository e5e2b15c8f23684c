"""Gateways of the demo world, on the cluster that this machine is."""

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.core.errors import Problem
from apps.fleet.services.local_cluster import make_local_cluster
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.gateways.selectors import hosts_of
from apps.gateways.services.creating import create_gateway
from apps.gateways.services.variables import Setting
from apps.gateways.sizes import Layout, SizeName, StageName
from apps.tenants.member import Member
from apps.tenants.models import Membership


@dataclass(frozen=True)
class DemoGateway:
    name: str
    title: str
    workspace: str
    owner: str
    size: SizeName = SizeName.SMALL
    layout: Layout = Layout.PROD_APART
    variables: tuple[Setting, ...] = ()


GATEWAYS = [
    DemoGateway(
        "parcel-tracking",
        "Parcel tracking",
        "tidewater",
        "soojin@tidewater.example",
        size=SizeName.STANDARD,
        variables=(
            Setting("CARRIER_URL", "https://carriers.tidewater.example/v2"),
            Setting("CARRIER_KEY", "an-example-and-good-for-nothing", is_secret=True),
        ),
    ),
    DemoGateway("billing-hooks", "Billing hooks", "tidewater", "maximilian@tidewater.example", layout=Layout.SHARED),
    DemoGateway("address-check", "주소 검증", "hanbit-data", "seoyeon@hanbit-data.example", layout=Layout.SHARED),
]


def load() -> str:
    """Make those that never were. One that somebody deleted stays deleted."""
    names = [each.name for each in GATEWAYS]
    there = set(FunctionGateway.objects.filter(name__in=names).values_list("tenant__slug", "name"))
    made = sum(_make(each) for each in GATEWAYS if (each.workspace, each.name) not in there)
    return f"{made} gateway{'s' * (made > 1)} made." if made else ""


def is_coming_up() -> bool:
    """One of them has yet to answer for the first time, and nothing keeps it from that."""
    waiting = _there().filter(state=State.RUNNING, observed_generation=0, has_stopped=False, held_at=None)
    return waiting.filter(cluster__maintenance_at=None).exists()


def demo_hosts() -> list[str]:
    """Where they answer in their first stage, for the table that `up` prints."""
    found = _there().select_related("cluster")
    return [host for gateway in found.order_by("created_at", "id") for host in hosts_of(gateway, StageName.DEV)]


def _there() -> "QuerySet[FunctionGateway]":
    names = [each.name for each in GATEWAYS]
    return FunctionGateway.objects.filter(name__in=names).exclude(phase=Phase.DELETED)


def _make(demo: DemoGateway) -> bool:
    owners = Membership.objects.filter(tenant__slug=demo.workspace, person__email=demo.owner)
    membership = owners.select_related("tenant", "person").first()
    if membership is None:
        return False
    try:
        create_gateway(
            actor=Member.of(membership),
            name=demo.name,
            title=demo.title,
            cluster=make_local_cluster(),
            size=demo.size,
            layout=demo.layout,
            variables=demo.variables,
        )
    except Problem:
        # Its name is taken, its cluster in maintenance: no reason for not starting all else
        return False
    return True
