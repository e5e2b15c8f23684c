from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.changes import changes, fields_of
from apps.audit.services import record
from apps.core.errors import InvalidInput
from apps.core.versions import raise_stale, save_version
from apps.gateways.models import FunctionGateway
from apps.gateways.services.wishing import lock_gateway, require_staying
from apps.logs.models import KEEP_DAYS, KEEP_MEGABYTES, LEAST_MEGABYTES, MOST_DAYS, MOST_MEGABYTES, LogRetention
from apps.tenants.member import Member


@transaction.atomic
def change_retention(
    *,
    actor: Member,
    gateway: FunctionGateway,
    days: int | None = None,
    megabytes: int | None = None,
    version: int | None = None,
) -> LogRetention:
    """How long a gateway's log is kept, and how much of it. What is beyond that goes within minutes."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.operate")
    require_staying(gateway)
    rows = LogRetention.objects.of(actor.tenant).select_for_update()
    row = rows.filter(gateway=gateway).first() or LogRetention(
        tenant_id=gateway.tenant_id, gateway=gateway, days=KEEP_DAYS, megabytes=KEEP_MEGABYTES
    )
    if version not in (None, row.version):
        raise_stale(row)
    wanted = {name: value for name, value in (("days", days), ("megabytes", megabytes)) if value is not None}
    _require_within(wanted)
    before, after = changes(fields_of(row, wanted), wanted)
    if not after:
        return row
    for name, value in after.items():
        setattr(row, name, value)
    if row._state.adding:
        row.version += 1
        row.save(force_insert=True)
    else:
        save_version(row, *after)
    record(actor=actor, verb="gateway.log_retention_changed", target=gateway, before=before, after=after)
    return row


def _require_within(wanted: dict[str, int]) -> None:
    ranges = {"days": (1, MOST_DAYS), "megabytes": (LEAST_MEGABYTES, MOST_MEGABYTES)}
    errors = {}
    for name, value in wanted.items():
        least, most = ranges[name]
        if not least <= value <= most:
            message = _("Write a whole number from %(least)d to %(most)d.") % {"least": least, "most": most}
            errors[name] = [message]
    if errors:
        raise InvalidInput(fields=errors)
