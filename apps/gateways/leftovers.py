"""What gateways have left behind, and what they have lost.

Their life cycle leaves nothing, wherever it's killed. This is for what happens past it: a server or the platform's
own database that was brought back from a backup, a phase that was forced, a row that was removed by hand.

What is certain is removed. A name on the server that no row here knows isn't: another installation may share the
server, or the platform's database may be the older one of the two. So that is only told.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import CharField, Exists, F, Func, OuterRef, Q, QuerySet, Value

from apps.audit.services import SYSTEM, Target, record
from apps.core.clock import now
from apps.fleet.models import Bundle
from apps.fleet.services.bundles import remove_bundle
from apps.gateways.databases import gateway_of, list_there
from apps.gateways.lifecycle.sight import has_parts
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.gateways.rendering.names import PREFIX, gateway_in
from apps.gateways.services.mending import finish_deletion

log = structlog.get_logger(__name__)

# By then nobody is at it any more
CERTAIN_AFTER = timedelta(hours=1)
MOST_AT_ONCE = 20


@dataclass(frozen=True)
class Leftovers:
    # Of gateways that were deleted: their deletion begins again
    deleted: tuple[FunctionGateway, ...]
    # Wanted in clusters for gateways that aren't there: they're removed
    bundles: tuple[Bundle, ...]
    # On the server, of no gateway that is known here
    unknown: tuple[str, ...]
    # Their database or its role isn't on the server any more
    lost: tuple[GatewayDatabase, ...]


def find_leftovers() -> Leftovers:
    there = list_there()
    gateways = FunctionGateway.objects.filter(pk__in=[gateway_of(name) for name in there])
    known = set(gateways.values_list("pk", flat=True))
    return Leftovers(
        tuple(_deleted_with_parts(there)),
        tuple(_bundles_of_nobody()),
        tuple(sorted(name for name in there if gateway_of(name) not in known)),
        tuple(row for row in _databases_that_stay() if not there.get(row.name)),
    )


def remove_leftovers() -> None:
    """As much as is certain, and so much at a time that it ends soon."""
    for bundle in _bundles_of_nobody()[:MOST_AT_ONCE]:
        _remove(bundle)
    for gateway in _deleted_with_parts(list_there())[:MOST_AT_ONCE]:
        if finish_deletion(gateway=gateway):
            log.warning("deleted gateway had left something", gateway=gateway.pk)


def _deleted_with_parts(there: Collection[str]) -> QuerySet[FunctionGateway]:
    """Wanted deleted, and deleted: what somebody only forced into that phase stays."""
    gone = FunctionGateway.objects.filter(state=State.DELETED, phase=Phase.DELETED, phase_at__lte=now() - CERTAIN_AFTER)
    return gone.filter(has_parts() | Q(pk__in=[gateway_of(name) for name in there])).order_by("pk")


def _bundles_of_nobody() -> QuerySet[Bundle]:
    gateway_id = Func(F("key"), Value("/"), Value(2), function="split_part", output_field=CharField())
    owned = FunctionGateway.objects.filter(pk=OuterRef("gateway_id"))
    bundles = Bundle.objects.filter(key__startswith=PREFIX, removed_at=None, wanted_at__lte=now() - CERTAIN_AFTER)
    return bundles.annotate(gateway_id=gateway_id).filter(~Exists(owned)).defer("manifests").order_by("pk")


def _databases_that_stay() -> QuerySet[GatewayDatabase]:
    rows = GatewayDatabase.objects.filter(made_at__isnull=False).exclude(gateway__state=State.DELETED)
    rows = rows.exclude(gateway__phase__in=[Phase.DELETING, Phase.DELETED])
    return rows.select_related("gateway").order_by("name")


@transaction.atomic
def _remove(bundle: Bundle) -> None:
    gateway_id, part = gateway_in(bundle.key)
    remove_bundle(cluster_id=bundle.cluster_id, key=bundle.key)
    target = Target("gateway", gateway_id, gateway_id)
    record(actor=SYSTEM, verb="gateway.leftover_removed", target=target, after={"part": part})
