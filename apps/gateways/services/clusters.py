"""What becomes of gateways with their cluster."""

from django.db.models import Exists, OuterRef

from apps.fleet.models import Cluster
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain, Stage


def forget_deleted(cluster: Cluster) -> int:
    """Of those that were deleted there, and left nothing behind. Their timelines and the audit log stay."""
    left = [
        Exists(model._base_manager.filter(gateway=OuterRef("pk"))) for model in (RuntimeDomain, Stage, GatewayDatabase)
    ]
    rows = FunctionGateway.objects.filter(~left[0], ~left[1], ~left[2], cluster=cluster, phase=Phase.DELETED)
    gone = list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    FunctionGateway.objects.filter(pk__in=gone).delete()
    return len(gone)
