"""What other apps end together with somebody's place in a workspace. Called in `ready()`:

    register_ending(revoke_tokens)

`revoke_tokens(actor, person, tenant)` runs in the transaction that ends the membership, once its row is gone, and
often inside the workspace's wall.
"""

from collections.abc import Callable

from apps.accounts.models import User
from apps.audit.services import Actor
from apps.tenants.models import Tenant

Ending = Callable[[Actor, User, Tenant], object]

_endings: list[Ending] = []


def register_ending(ending: Ending) -> None:
    if ending not in _endings:
        _endings.append(ending)


def end_what_hung_on_it(actor: Actor, person: User, tenant: Tenant) -> None:
    for ending in _endings:
        ending(actor, person, tenant)
