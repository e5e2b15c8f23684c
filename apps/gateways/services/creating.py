from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings as conf
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from psycopg.errors import UniqueViolation

from apps.audit.changes import fields_of
from apps.audit.services import record
from apps.core.errors import InvalidInput
from apps.core.lifecycle import timeline, wake
from apps.core.lifecycle.timeline import Kind
from apps.fleet.models import Cluster
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import LONGEST_ACTOR, FunctionGateway
from apps.gateways.names import refusal_of_name
from apps.gateways.problems import ClusterInMaintenance, NameTaken, TooManyGateways
from apps.gateways.services.changes import checked_layout, checked_owner, checked_size, checked_title
from apps.gateways.services.variables import Setting, checked_settings, set_row
from apps.gateways.sizes import Layout, SizeName
from apps.tenants.member import Member
from apps.tenants.services.owners import renewed

WRITTEN_DOWN = ("name", "title", "size", "layout", "state")
NAME_ONCE = "gateway_name_once"
WANTED = gettext_noop("Wanted created and running.")


@transaction.atomic
def create_gateway(
    *,
    actor: Member,
    name: str,
    cluster: Cluster,
    title: str = "",
    size: str = SizeName.SMALL,
    layout: str = Layout.PROD_APART,
    owner_id: str = "",
    variables: Sequence[Setting] = (),
) -> FunctionGateway:
    """Wanted running from the first moment. Whoever creates it owns it, unless another is named."""
    actor = renewed(actor)
    actor.require("gateways.create")
    name = name.strip()
    if refusal := refusal_of_name(name):
        raise InvalidInput(fields={"name": [refusal]})
    gateway = FunctionGateway(
        tenant=actor.tenant,
        name=name,
        title=checked_title(title if title.strip() else name.replace("-", " ").capitalize()),
        cluster=_checked_cluster(cluster),
        size=checked_size(size),
        layout=checked_layout(layout),
        owner=checked_owner(actor, owner_id or actor.pk),
        state_by=str(actor)[:LONGEST_ACTOR],
        # At rest until it's woken, so that a worker is told at once
        due_at=None,
    )
    settings = checked_settings(variables)
    _require_room(actor)
    with _saving_name(gateway):
        gateway.save(force_insert=True)
    for setting in settings:
        set_row(gateway, setting)
    timeline.note(GATEWAY.name, gateway, Kind.WISHED, because=WANTED, actor=actor)
    wake(GATEWAY, gateway.pk)
    GATEWAY.changed(gateway)
    after = {
        **fields_of(gateway, WRITTEN_DOWN),
        "cluster": gateway.cluster.name,
        "owner": gateway.owner_id,
        "variables": {setting.name: setting.shown for setting in settings},
    }
    record(actor=actor, verb="gateway.created", target=gateway, after=after)
    gateway.refresh_from_db()
    return gateway


def is_name_free(actor: Member, cluster: Cluster, name: str) -> bool:
    """For a page that says so while somebody types; it counts for this moment. Tried out, and taken back at once."""
    probe = FunctionGateway(tenant=actor.tenant, cluster=cluster, name=name, title=name, due_at=None)
    try:
        with transaction.atomic(), _saving_name(probe):
            probe.save(force_insert=True)
            raise _TakenBackError
    except _TakenBackError:
        return True
    except NameTaken:
        return False


class _TakenBackError(Exception):
    """Ends a trial."""


def _checked_cluster(cluster: Cluster) -> Cluster:
    cluster = Cluster.objects.get(pk=cluster.pk)
    if cluster.is_in_maintenance:
        text = _("%(cluster)s is in maintenance and takes nothing new.") % {"cluster": cluster}
        told = f"{text} {cluster.maintenance_because}".strip()
        raise ClusterInMaintenance(fields={"cluster": [told]})
    return cluster


def _require_room(actor: Member) -> None:
    """Against a program that makes them without end; two at the same moment may both be the last."""
    most = conf.MOST_GATEWAYS
    if FunctionGateway.objects.of(actor.tenant).exclude(phase=Phase.DELETED).count() >= most:
        raise TooManyGateways(_("A workspace has %(most)d gateways at most.") % {"most": most})


@contextmanager
def _saving_name(gateway: FunctionGateway) -> Iterator[None]:
    """Only the unique index knows the gateways of all workspaces: inside a wall, the others aren't there."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        cause = error.__cause__
        if not (isinstance(cause, UniqueViolation) and cause.diag.constraint_name == NAME_ONCE):
            raise
        words = {"name": gateway.name, "cluster": gateway.cluster}
        if _is_leaving(gateway):
            told = _(
                "%(name)s is still being deleted on %(cluster)s. Try again once it's gone, or choose another name."
            )
        else:
            told = _("%(cluster)s has a gateway named %(name)s already. Choose another name.")
        raise NameTaken(fields={"name": [told % words]}) from None


def _is_leaving(gateway: FunctionGateway) -> bool:
    """The workspace's own one of that name, which it may know about."""
    named = FunctionGateway.objects.of(gateway.tenant).filter(cluster=gateway.cluster, name=gateway.name)
    return named.filter(state=State.DELETED).exclude(phase=Phase.DELETED).exists()
