"""What other apps have to say and to do when somebody takes their data along, or goes for good. Called in `ready()`:

    register_departure(reasons_to_stay, leave=clean_up)
    register_belongings("tokens", tokens_of)

`reasons_to_stay(person)` answers sentences that say what to do first; while there is one, the account stays. It's asked
again in the transaction that deletes, so a rule that others can break meanwhile takes its locks there.
`leave(person)` runs in that transaction before the person's row goes. `tokens_of(person)` answers what JSON can hold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import User
from apps.core.errors import Text

ReasonsToStay = Callable[[User], Sequence[Text]]
Leave = Callable[[User], None]
BelongingsOf = Callable[[User], Any]


@dataclass(frozen=True)
class Departure:
    reasons_to_stay: ReasonsToStay
    leave: Leave | None


_departures: list[Departure] = []
_belongings: dict[str, BelongingsOf] = {}


def register_departure(reasons_to_stay: ReasonsToStay, *, leave: Leave | None = None) -> None:
    departure = Departure(reasons_to_stay, leave)
    if departure not in _departures:
        _departures.append(departure)


def register_belongings(name: str, belongings_of: BelongingsOf) -> None:
    """Registering a name again replaces what is told under it."""
    _belongings[name] = belongings_of


def reasons_to_stay(person: User) -> list[Text]:
    return [reason for departure in _departures for reason in departure.reasons_to_stay(person)]


def leave_everything(person: User) -> None:
    for departure in _departures:
        if departure.leave:
            departure.leave(person)


def belongings_of(person: User) -> dict[str, Any]:
    return {name: belongings(person) for name, belongings in _belongings.items()}
