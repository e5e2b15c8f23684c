"""What all services of functions share: the rows as they are now, locked, and the actor with the role of now."""

from django.conf import settings as conf
from django.db import connection
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput, NotFound
from apps.core.events import publish
from apps.core.versions import raise_stale
from apps.functions.models import Function
from apps.functions.names import Name, clashes, refusal_of_name
from apps.functions.problems import FunctionNameTaken, TooManyFunctions
from apps.functions.selectors import Packages, packages_of
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway
from apps.gateways.services.wishing import require_staying
from apps.tenants.member import Member
from apps.tenants.services.owners import renewed

SAVE = "functions.save"


def lock_function(
    actor: Member, function: Function, *, version: int | None = None, with_deleted: bool = False, renew: bool = True
) -> tuple[Member, Function]:
    """The row stays as it is until the transaction ends. With a version, only if it's still the one that was read."""
    actor = renewed(actor) if renew else actor
    rows = Function.objects.of(actor.tenant).exclude(gateway__phase=Phase.DELETED)
    if not with_deleted:
        rows = rows.filter(deleted_at=None)
    locked = rows.select_for_update(of=("self",)).select_related("gateway")
    row: Function | None = locked.filter(pk=function.pk).first()
    if row is None:
        raise NotFound
    if row.head_id == function.head_id and Function.head.is_cached(function):
        # Nobody changes what a version was: its sources needn't be read twice
        row.head = function.head
    actor.require(SAVE, row=row, stage=row.stage)
    require_staying(row.gateway)
    if version not in (None, row.version):
        raise_stale(row)
    return actor, row


def hold_packages(gateway: FunctionGateway) -> Packages:
    """As they stay until the transaction ends: a change of them waits, and sees what was built with these. Before a
    function is locked, as whoever changes them does it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM functions_dependencies WHERE gateway_id = %s FOR SHARE", [gateway.pk])
    return packages_of(gateway)


def require_may_save(actor: Member, row: FunctionGateway | Function, stage: str) -> None:
    """Before what takes a while, such as compiling. Asked again under the lock."""
    actor.require(SAVE, row=row, stage=stage)


def checked_name(name: Name, *, field: str = "name") -> Name:
    if refusal := refusal_of_name(name.base):
        raise InvalidInput(fields={field: [refusal]})
    return name


def require_free(gateway: FunctionGateway, name: Name, *, but: Function | None = None) -> None:
    """No other function of the stage answers the very same calls. Ask in a locked gateway only."""
    there = Function.objects.filter(gateway=gateway, stage=name.stage, deleted_at=None)
    if but is not None:
        there = there.exclude(pk=but.pk)
    other = clashes(name.base, there.order_by("base_name").values_list("base_name", flat=True))
    if not other:
        return
    words = {"stage": name.stage, "name": name.base, "other": other}
    if other == name.base:
        told = _("%(stage)s has a function %(name)s already. Choose another name, or change that one.")
    else:
        told = _("%(stage)s has a function %(other)s, which answers the very same calls. Choose another name.")
    raise FunctionNameTaken(fields={"name": [told % words]}, taken_by=f"{name.stage}/{other}")


def require_room(gateway: FunctionGateway) -> None:
    most = conf.MOST_FUNCTIONS
    if Function.objects.filter(gateway=gateway, deleted_at=None).count() >= most:
        raise TooManyFunctions(_("A gateway has %(most)d functions at most, all stages together.") % {"most": most})


def tell_pages(function: Function) -> None:
    publish(f"gateway:{function.gateway_id}", "functions", function.pk)
