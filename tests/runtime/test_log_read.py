"""What a real runtime writes, as the console reads it."""

import pytest

from apps.logs import reading
from apps.logs.lines import LogFilter
from tests.runtime.house import House
from tests.runtime.processes import Process

pytestmark = pytest.mark.django_db

FAILING = {
    "handler.ts": "import { find } from './find.ts';\n\nexport default async () => find('63122');\n",
    "find.ts": "export function find(id: string): string {\n  throw new Error(`no parcel ${id}`);\n}\n",
}


def test_a_call_is_found_whole_with_its_stack_in_typescript(house: House, inhabited: Process) -> None:
    house.live("dev/fails", FAILING)
    response, body = inhabited.ask("/dev/fails", X_Request_Id="id-7")
    assert response.status == 500
    assert b"find.ts" not in body
    house.await_line("no parcel 63122")
    lines = reading.read_call(house.connection, "id-7")
    failed = next(line for line in lines if "no parcel 63122" in line.text)
    assert (failed.stage, failed.function, failed.level) == ("dev", "fails", "error")
    assert "find.ts:2" in failed.stack
    assert {line.request_id for line in lines} == {"id-7"}


def test_what_a_flood_lost_is_counted(house: House, inhabited: Process) -> None:
    house.live("dev/flood", "export default () => { for (let n = 0; n < 5000; n++) console.log(n); return {} }")
    assert inhabited.ask("/dev/flood")[0].status == 200
    house.await_line("left out")
    found = reading.read_lines(house.connection, LogFilter(stages=frozenset({"dev"})), limit=2_000)
    console = sum(line.source == "console" for line in found.lines)
    assert console + sum(line.dropped for line in found.lines) == 5_000
    # Each went into its day
    assert house.ask("SELECT count(*) FROM imp.logs_rest") == [(0,)]
