"""What functions tell a process by NOTIFY, to which PostgreSQL knows no right: it's woken, and believes nothing."""

import json

import pytest
from psycopg import sql

from tests.runtime.house import House
from tests.runtime.processes import Process

SAY = "export default async () => ({ said: %s })"
SAID = [
    "",
    " ",
    "dev",
    "x" * 7_000,
    "1 prod/here",
    "-1 dev/here",
    "9999999 dev/here",
    "99999999999999999999999 dev/here",
    "7 dev/../prod/here",
    "7 dev/~drf_of_nobody",
]


@pytest.mark.parametrize("channel", ["published", "acked", "logged"])
def test_what_functions_notify_changes_nothing(house: House, inhabited: Process, channel: str) -> None:
    house.live("dev/here", SAY % 1)
    for each in SAID:
        text = sql.SQL("SELECT pg_notify({}, {})").format(sql.Literal(channel), sql.Literal(each))
        house.ask_data(text.as_string())
    house.ask_data(
        f"DO $$ BEGIN FOR n IN 1..20000 LOOP PERFORM pg_notify('{channel}', n || ' dev/here'); END LOOP; END $$"
    )
    assert said(inhabited) == 1
    house.live("dev/here", SAY % 2)
    assert said(inhabited) == 2
    assert len(house.ask("SELECT FROM imp.instances")) == 1
    assert [line["text"] for line in house.lines(source="system")] == []


def said(process: Process) -> int:
    response, body = process.ask("/dev/here")
    assert response.status == 200, body
    found: int = json.loads(body)["said"]
    return found
