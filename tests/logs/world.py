"""What functions wrote, in a database as it really is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from apps.accounts.models import User
from apps.gateways import databases
from apps.gateways.databases import name_of, runtime_role_of
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.gateways.store import connect
from apps.tenants.models import Tenant
from tests.gateways.contract import some_gateway

INSERT = """
INSERT INTO imp.logs (at, stage, function, version, request_id, level, source, text, fields)
VALUES (%(at)s, %(stage)s, %(function)s, %(version)s, %(request_id)s, %(level)s, %(source)s, %(text)s, %(fields)s)
"""
LINE: dict[str, Any] = {
    "stage": "dev",
    "function": "track",
    "version": 3,
    "request_id": "",
    "level": "info",
    "source": "console",
    "text": "estimate",
    "fields": None,
}


def moment(seconds_ago: float = 0.0) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds_ago)


class Written:
    """A runtime's connection, with its role and its rights."""

    def __init__(self, gateway_id: str, password: str) -> None:
        self.gateway_id = gateway_id
        name = name_of(gateway_id)
        url = databases.url_of(name, password, role=runtime_role_of(name))
        self.connection = psycopg.connect(url, autocommit=True)

    def line(self, text: str = "estimate", **values: Any) -> None:
        self.lines([{"text": text, **values}])

    def lines(self, rows: list[dict[str, Any]]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(INSERT, [self._row(each) for each in rows])

    def empty(self) -> None:
        with connect(self.gateway_id) as connection:
            connection.execute("TRUNCATE imp.logs")

    def close(self) -> None:
        self.connection.close()

    @staticmethod
    def _row(values: dict[str, Any]) -> dict[str, Any]:
        row = {"at": moment(), **LINE, **values}
        return {**row, "fields": None if row["fields"] is None else Jsonb(row["fields"])}


def gateway_row(tenant: Tenant, owner: User | None, gateway_id: str) -> FunctionGateway:
    """The row of the gateway whose database is there."""
    gateway = some_gateway(tenant, owner, id=gateway_id)
    GatewayDatabase.objects.create(
        tenant=tenant, gateway=gateway, name=name_of(gateway_id), password="a-password", made_at=moment()
    )
    return gateway
