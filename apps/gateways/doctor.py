"""Whether the server of the gateways' databases keeps them apart."""

from collections.abc import Iterator

import psycopg
from django.conf import settings

from apps.core.doctor.findings import Finding, error, ok, warning
from apps.gateways.databases import Server, look_at_server

NAME = "gateways' databases"


def check_gateway_databases() -> Iterator[Finding]:
    try:
        server = look_at_server()
    except psycopg.Error as failure:
        told = " ".join(str(failure).split())
        yield error(NAME, f"the server can't be reached: {told}", "Check GATEWAYS_DATABASE_URL and that it runs.")
        return
    yield from findings_of(server)


def findings_of(server: Server) -> Iterator[Finding]:
    whose = "of GATEWAYS_DATABASE_URL" if settings.GATEWAYS_DATABASE_URL else "the platform's"
    if not server.may_make:
        yield error(
            NAME,
            f"the user may make no databases and roles on the server ({whose}): no gateway can be created",
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
        yield ok(NAME, f"kept apart, on {whose} server" if not settings.GATEWAYS_DATABASE_URL else "kept apart")
