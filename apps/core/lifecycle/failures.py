"""What is said of a failure that no step foresaw: to everybody its kind, and to operators what was raised.

What was raised may name hosts, people or a part of a secret, so no sentence has it in it. It's kept among the parts of
the reason, and `timeline.told_to_operators` alone tells it.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
from django.db.utils import Error as DatabaseError
from django.utils.translation import gettext_noop
from psycopg import errors

from apps.core.queue.runner import LONGEST_ERROR, storable

# Among the parts of a reason
RAISED = "error"
UNFORESEEN = gettext_noop(
    "The step failed for a reason of the platform's own, and is tried again. Operators find why under %(reference)s."
)
AWAY = gettext_noop("PostgreSQL can't be reached. The step is tried again.")
SLOW = gettext_noop("PostgreSQL took too long to answer. The step is tried again.")
FULL = gettext_noop("PostgreSQL has no room for more: memory, disk or connections. The step is tried again.")
UNREACHABLE = gettext_noop("Something that the step needs can't be reached. It's tried again.")
TOOK_TOO_LONG = gettext_noop("It took longer than %(seconds)s s and was ended. The step is tried again.")

TOO_SLOW = (errors.QueryCanceled, errors.LockNotAvailable)
# https://www.postgresql.org/docs/current/errcodes-appendix.html: connections, resources, intervention by operators
OF_CONNECTIONS, OF_RESOURCES, OF_OPERATORS = "08", "53", "57"


def because_of(error: Exception) -> tuple[str, dict[str, Any]]:
    """The sentence for everybody, with its parts."""
    kinds = (kind for each in _chain(error) if (kind := _kind_of(each)))
    return next(kinds, UNFORESEEN), {RAISED: storable(f"{type(error).__name__}: {error}".strip())[:LONGEST_ERROR]}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """With what Django has put its own name on."""
    yield error
    if isinstance(error, DatabaseError) and error.__cause__ is not None:
        yield error.__cause__


def _kind_of(error: BaseException) -> str:
    match error:
        case psycopg.Error():
            return _kind_of_postgres(error)
        case ConnectionError() | TimeoutError():
            return UNREACHABLE
        case _:
            return ""


def _kind_of_postgres(error: psycopg.Error) -> str:
    if isinstance(error, TOO_SLOW):
        return SLOW
    state = error.sqlstate or ""
    if state.startswith(OF_RESOURCES):
        return FULL
    if state.startswith((OF_CONNECTIONS, OF_OPERATORS)):
        return AWAY
    # Without a state, the server has said nothing: there was no connection, or none any more
    return AWAY if not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) else ""
