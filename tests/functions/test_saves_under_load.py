"""Saves while two processes are called without pause: no call fails, none is answered by what was replaced."""

import json
import threading
import time
from http.client import HTTPException

import pytest

from apps.functions.publishing import await_live
from apps.functions.services import save_function
from tests.functions.world import Place, Start
from tests.queue.cluster import wait_until
from tests.runtime.processes import Process

pytestmark = pytest.mark.django_db(transaction=True)
SAVES = 200
SLOW_MS = 150


def files_of(version: int) -> dict[str, str]:
    source = (
        "export default async (req: any) => {\n"
        "  if (req.query.slow) await new Promise((done) => setTimeout(done, Number(req.query.slow)));\n"
        f"  return {{ version: {version} }};\n"
        "};\n"
    )
    return {"index.ts": source}


class Caller(threading.Thread):
    """Before each call it looks what was acknowledged: that, or something newer, has to answer."""

    acknowledged = 0

    def __init__(self, process: Process, query: str) -> None:
        super().__init__(daemon=True)
        self.process, self.query = process, query
        self.ended = False
        self.calls = 0
        self.failed: list[str] = []
        self.older: list[tuple[int, int]] = []

    def run(self) -> None:
        connection = self.process.connect()
        while not self.ended:
            least = Caller.acknowledged
            self.calls += 1
            try:
                connection.request("GET", f"/dev/hello{self.query}")
                response = connection.getresponse()
                content = response.read()
            except (OSError, HTTPException) as error:
                self.failed.append(repr(error))
                connection = self.process.connect()
                continue
            if response.status != 200:
                self.failed.append(f"{response.status} {content[:200]!r}")
            elif (version := json.loads(content)["version"]) < least:
                self.older.append((version, least))
            time.sleep(0.002)
        connection.close()


def test_no_call_fails_and_none_is_answered_by_older_code(place: Place, start: Start) -> None:
    processes = [start("one"), start("other")]
    function = place.make()
    function = save_function(actor=place.actor, function=function, files=files_of(2), base_version=1)
    assert await_live(function, within=60).state == "live"
    Caller.acknowledged = 2
    callers = [Caller(each, query) for each in processes for query in ("", f"?slow={SLOW_MS}")]
    for caller in callers:
        caller.start()
    try:
        for version in range(3, SAVES + 3):
            function = save_function(
                actor=place.actor, function=function, files=files_of(version), base_version=version - 1
            )
            assert await_live(function, within=60).state == "live"
            Caller.acknowledged = version
        # However soon the saves were done
        wait_until(lambda: all(caller.calls > 10 for caller in callers), what="enough calls")
    finally:
        for caller in callers:
            caller.ended = True
            caller.join()
    assert [caller.failed for caller in callers] == [[]] * 4
    assert [caller.older for caller in callers] == [[]] * 4
