"""A gateway's parts in its cluster, as bundles: wanting them there or gone, and waiting until it is so."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from django.utils.translation import gettext_noop

from apps.core.clock import now
from apps.core.lifecycle import Awaited
from apps.core.lifecycle.holding import while_held
from apps.core.lifecycle.models import Living
from apps.fleet.models import Bundle, Manifest
from apps.fleet.selectors import is_reached
from apps.fleet.services.bundles import put_bundle, remove_bundle
from apps.gateways.models import FunctionGateway
from apps.gateways.rendering.names import bundle_key

ON_ITS_WAY = gettext_noop("On its way to %(cluster)s.")
NOT_DELIVERED = gettext_noop("Waits for %(cluster)s to take it: its agent is connected, but hasn't answered since.")
NO_AGENT = gettext_noop("No agent of %(cluster)s is connected. It goes on by itself once one connects.")
NOT_READY = gettext_noop("Waits for %(cluster)s: %(message)s")
NOT_YET = gettext_noop("Waits for %(cluster)s to get it ready.")
REFUSED = gettext_noop("%(cluster)s can't do it: %(message)s")
NOT_GONE = gettext_noop("Waits for %(cluster)s to remove it.")
IN_MAINTENANCE = gettext_noop("%(cluster)s is in maintenance and takes nothing new.")
# Until then no answer is nothing to worry about
ANSWERS_WITHIN = timedelta(seconds=10)


def want(
    gateway: FunctionGateway,
    part: str,
    manifests: Sequence[Manifest],
    *,
    along: Mapping[str, Sequence[Manifest]] = MappingProxyType({}),
    holder: Living | None = None,
) -> Bundle:
    """There and ready, or Awaited. `holder` is the row whose step this is, if it isn't the gateway's own.

    What comes `along` is on its way with it, and waited for in a step of its own.
    """
    with while_held(holder or gateway):
        bundle = _put(gateway, part, manifests)
        for other, others in along.items():
            _put(gateway, other, others)
    if bundle.says(Bundle.Phase.READY):
        return bundle
    raise _not_yet(gateway, bundle)


def want_no(gateway: FunctionGateway, part: str, *, holder: Living | None = None) -> None:
    """Gone, or Awaited."""
    with while_held(holder or gateway):
        bundle = remove_bundle(cluster_id=gateway.cluster_id, key=bundle_key(gateway.pk, part))
    if bundle is not None:
        raise _not_yet(gateway, bundle, NOT_GONE)


def _put(gateway: FunctionGateway, part: str, manifests: Sequence[Manifest]) -> Bundle:
    return put_bundle(
        cluster_id=gateway.cluster_id,
        key=bundle_key(gateway.pk, part),
        manifests=manifests,
        tenant_id=gateway.tenant_id,
    )


def _not_yet(gateway: FunctionGateway, bundle: Bundle, otherwise: str = NOT_YET) -> Awaited:
    cluster = gateway.cluster
    if cluster.is_in_maintenance:
        return Awaited(IN_MAINTENANCE, cluster=str(cluster))
    if not bundle.is_current and bundle.phase == Bundle.Phase.PENDING:
        return Awaited(_unanswered(bundle), cluster=str(cluster))
    if bundle.phase == Bundle.Phase.FAILED:
        return Awaited(REFUSED, cluster=str(cluster), message=bundle.message)
    if bundle.message:
        return Awaited(NOT_READY, cluster=str(cluster), message=bundle.message)
    return Awaited(otherwise, cluster=str(cluster))


def _unanswered(bundle: Bundle) -> str:
    """Calm while it's young, and where it isn't, what's the matter."""
    if not is_reached(bundle.cluster_id):
        return NO_AGENT
    return ON_ITS_WAY if now() - bundle.wanted_at < ANSWERS_WITHIN else NOT_DELIVERED
