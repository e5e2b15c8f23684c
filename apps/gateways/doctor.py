"""Whether the server of the gateways' databases keeps them apart, and has those that it should and no others."""

from collections.abc import Iterator, Sequence

import psycopg
from django.conf import settings

from apps.core.doctor.findings import Finding, error, note, ok, warning
from apps.gateways.databases import Server, look_at_server
from apps.gateways.leftovers import Leftovers, find_leftovers
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway
from apps.gateways.sizes import PROCESSES

NAME = "gateways' databases"
# Of each process: what it holds always, and what it takes while its functions write lines and ask for data
AT_REST, BUSY = 1, 3
# Of connections; beyond that, it's soon too late
MUCH = 0.8
# In a sentence, before it says that there are more
MOST_NAMED = 5


def check_gateway_databases() -> Iterator[Finding]:
    try:
        server = look_at_server()
    except psycopg.Error as failure:
        told = " ".join(str(failure).split())
        yield error(NAME, f"the server can't be reached: {told}", "Check GATEWAYS_DATABASE_URL and that it runs.")
        return
    yield from findings_of(server)
    yield from findings_of_connections(server, count_processes())
    yield from findings_of_leftovers(find_leftovers())


def findings_of(server: Server) -> Iterator[Finding]:
    is_apart = bool(settings.GATEWAYS_DATABASE_URL)
    if not server.may_make:
        yield error(
            NAME,
            f"the user may make no databases and roles on {_whose(is_apart)}: no gateway can be created",
            "As its administrator: ALTER ROLE the user CREATEDB CREATEROLE.",
        )
    if server.open_databases:
        names = ", ".join(server.open_databases)
        yield warning(
            NAME,
            f"functions of every gateway can connect to {names}",
            f"As its administrator: REVOKE CONNECT ON DATABASE {names} FROM PUBLIC.",
        )
    if server.may_make and not server.open_databases:
        yield ok(NAME, f"kept apart, on {_whose(is_apart)}")


def _whose(is_apart: bool) -> str:
    return "the server of GATEWAYS_DATABASE_URL" if is_apart else "the platform's server"


def count_processes() -> int:
    """Of all gateways that aren't stopped, and those that start again after a stop of everything."""
    layouts = FunctionGateway.objects.filter(state__in=(State.RUNNING, State.RESTARTING)).values_list("layout")
    return sum(len(PROCESSES[layout]) for (layout,) in layouts)


def findings_of_connections(server: Server, processes: int) -> Iterator[Finding]:
    """Whose processes find none left wait until there is one: no call of theirs is answered after a start."""
    told = f"the server takes {server.most} connections of gateways"
    enough = f"Raise its max_connections: {BUSY} for each process of a gateway, and 100 for the platform."
    if processes * AT_REST > server.most:
        yield error(NAME, f"{told}, and their {processes} processes hold one each, so some can't start", enough)
    elif processes * BUSY > server.most:
        yield warning(NAME, f"{told}, and their {processes} processes take {BUSY} each while they're busy", enough)
    elif server.used > server.most * MUCH:
        yield warning(NAME, f"{told}, and {server.used} are taken", enough)


def findings_of_leftovers(found: Leftovers) -> Iterator[Finding]:
    if found.lost:
        names = _named([f"{row.name} of {row.gateway.name}" for row in found.lost])
        yield error(NAME, f"not on the server any more, or without their role: {names}", "Restore them from a backup.")
    if found.unknown:
        yield warning(
            NAME,
            f"on the server, and of no gateway known here: {_named(found.unknown)}",
            "Find out whose they are, such as another installation's. If nobody's: DROP DATABASE and DROP ROLE.",
        )
    if found.deleted or found.bundles:
        names = _named([gateway.pk for gateway in found.deleted] + [bundle.key for bundle in found.bundles])
        yield note(NAME, f"left behind by gateways that were deleted: {names}", "Nothing: a sweep removes it soon.")


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
