"""What becomes of gateways with their workspace."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext_noop, ngettext

from apps.core import clock
from apps.core.errors import Text
from apps.core.lifecycle import timeline, wake
from apps.core.lifecycle.timeline import Kind
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant

HELD = gettext_noop("Its workspace was suspended: it's kept stopped until that ends.")
RELEASED = gettext_noop("Its workspace was resumed.")
# In a sentence, before it says how many more there are
MOST_NAMED = 5


def hold_gateways(tenant: Tenant) -> None:
    """Callers aren't served any more. What is wanted of each stays, for the day when it ends."""
    for gateway in _rows(tenant).filter(held_at=None):
        gateway.held_at = clock.now()
        _keep(gateway, HELD)


def release_gateways(tenant: Tenant) -> None:
    for gateway in _rows(tenant).exclude(held_at=None):
        gateway.held_at = None
        _keep(gateway, RELEASED)


def reasons_to_keep(tenant: Tenant) -> Sequence[Text]:
    """With the workspace's rows, nobody would know any more what runs for it in clusters."""
    names = [gateway.name for gateway in _rows(tenant)]
    if not names:
        return ()
    text = ngettext(
        "%(count)d gateway is still there: %(names)s. Delete it first.",
        "%(count)d gateways are still there: %(names)s. Delete them first.",
        len(names),
    )
    told = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
    return [text % {"count": len(names), "names": told}]


def _rows(tenant: Tenant) -> "QuerySet[FunctionGateway]":
    rows = FunctionGateway.objects.of(tenant).exclude(phase=Phase.DELETED)
    return rows.select_for_update(of=("self",)).order_by("pk")


def _keep(gateway: FunctionGateway, because: str) -> None:
    gateway.save(update_fields=["held_at"])
    timeline.note(GATEWAY.name, gateway, Kind.WISHED, because=because)
    wake(GATEWAY, gateway.pk)
    GATEWAY.changed(gateway)
