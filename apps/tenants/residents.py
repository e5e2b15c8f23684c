"""What other apps keep running for a workspace, and what becomes of it with the workspace. Called in `ready()`:

    register_resident(suspend=hold_gateways, resume=release_gateways, reasons_to_keep=gateways_there)

`suspend(tenant)` and `resume(tenant)` run in the transaction that does so. `reasons_to_keep(tenant)` answers sentences
that say what to do first; while there is one, the workspace can't be deleted. It's asked in the locked workspace.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.core.errors import Text
from apps.tenants.models import Tenant

Follow = Callable[[Tenant], None]
ReasonsToKeep = Callable[[Tenant], Sequence[Text]]


@dataclass(frozen=True)
class Resident:
    suspend: Follow
    resume: Follow
    reasons_to_keep: ReasonsToKeep


_residents: list[Resident] = []


def register_resident(*, suspend: Follow, resume: Follow, reasons_to_keep: ReasonsToKeep) -> None:
    resident = Resident(suspend, resume, reasons_to_keep)
    if resident not in _residents:
        _residents.append(resident)


def suspend_residents(tenant: Tenant) -> None:
    for resident in _residents:
        resident.suspend(tenant)


def resume_residents(tenant: Tenant) -> None:
    for resident in _residents:
        resident.resume(tenant)


def reasons_to_keep(tenant: Tenant) -> list[Text]:
    return [reason for resident in _residents for reason in resident.reasons_to_keep(tenant)]
