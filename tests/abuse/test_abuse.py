"""Whatever functions do in dev, no call to prod fails, and dev comes back. How fast: benchmarks/abuse.py."""

import contextlib
import threading
from pathlib import Path

import psutil
import pytest

from agent.engine.limits import own_memory
from tests.abuse.abuses import ABUSES, FINE, LIMIT_MS, Calls, abused, path_of
from tests.escape.conftest import MakeHouse
from tests.escape.house import House
from tests.fleet.processes import wait_until

pytestmark = pytest.mark.django_db
MB = 1024 * 1024
# Calls to prod while dev is abused, and after
ENOUGH = 50


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    found = make_house()
    found.deploy({"dev/fine": FINE, "prod/fine": FINE})
    return found


@pytest.mark.parametrize("abuse", ABUSES)
def test_no_call_to_prod_fails_whatever_dev_does(house: House, abuse: str) -> None:
    house.deploy({f"dev/{path_of(abuse)}": ABUSES[abuse]}, timeout_ms=LIMIT_MS)
    prod = house.pid("prod")
    calls, ended = Calls(house), threading.Event()
    caller = threading.Thread(target=calls.make, args=(ended,))
    caller.start()
    try:
        for _ in range(2):
            abused(house, path_of(abuse))
            wait_until(lambda: _answers(house), within=120, what="dev to answer again")
        # Some abuses are over at once, and what they leave behind may still do harm
        wait_until(lambda: len(calls.seconds) >= ENOUGH, within=120, what="enough calls to prod")
    finally:
        ended.set()
        caller.join()
    assert calls.failures == []
    # The very same process: it wasn't started again in between
    assert house.pid("prod") == prod


def test_code_that_does_not_end_goes_with_its_process(house: House) -> None:
    """And until then it has only the CPU that nobody else wants."""
    house.deploy({"dev/hangs": ABUSES["endless loop"]}, timeout_ms=1000)
    before = house.pid("dev")
    assert house.call("dev/hangs")[0] == 504
    answers: list[int] = []

    def is_another() -> bool:
        answers.append(house.call("dev/fine")[0])
        return house.pid("dev") != before

    wait_until(is_another, what="another process")
    assert set(answers) == {200}
    wait_until(lambda: not psutil.pid_exists(before), what="the one before to go")


def test_array_buffers_count_as_memory(house: House) -> None:
    """They're no part of the heap, whose limit V8 keeps."""
    source = """const kept: Uint8Array[] = [];
      export default async (req: any, res: any) => {
        for (let i = 0; i < Number(req.query.mb); i++) kept.push(new Uint8Array(1 << 20).fill(1));
        res.json(kept.length);
      }"""
    house.deploy({"dev/takes": source})
    before = house.pid("dev")
    taken = own_memory(before)
    assert house.call("dev/takes?mb=40")[1] == 40
    assert own_memory(before) - taken > 35 * MB
    with contextlib.suppress(OSError):
        house.call("dev/takes?mb=400")
    wait_until(lambda: _answers(house), within=120, what="dev to answer again")
    assert house.pid("dev") != before
    assert not Path(f"/proc/{before}").exists()


def _answers(house: House) -> bool:
    try:
        return house.call("dev/fine", within=5)[0] == 200
    except (OSError, KeyError):
        return False
