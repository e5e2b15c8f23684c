"""Calls to prod while functions in dev do what they shouldn't: endless loops, memory, floods of lines and the like.

The baseline is the same calls in the same run before it, with dev at rest. Promised: within twice of that, and none
fails; whether one did is a figure too.

python -m benchmarks.abuse
"""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import django

from benchmarks.harness import percentile, record, scratch_database

CALM_SECONDS, BAD_SECONDS, REST_SECONDS = 4.0, 5.0, 3.0
GOAL = 2.0


def main() -> None:
    django.setup()
    from tests.abuse.abuses import ABUSES, FINE, LIMIT_MS, path_of
    from tests.agent.place import place
    from tests.escape.house import House

    with tempfile.TemporaryDirectory(prefix="imp-abuse-") as folder, scratch_database():
        houses: list[House] = []
        try:
            with place(Path(folder)) as found:
                houses.append(House(found))
                [house] = houses
                house.bring_up()
                house.deploy({"dev/fine": FINE, "prod/fine": FINE})
                house.deploy({f"dev/{path_of(name)}": source for name, source in ABUSES.items()}, timeout_ms=LIMIT_MS)
                for name in ABUSES:
                    compare(house, name)
        finally:
            # Once the processes have gone, which are connected to it
            for house in houses:
                house.leave()


def compare(house: Any, name: str) -> None:
    from tests.abuse.abuses import abused, path_of

    def misbehave() -> None:
        began = time.perf_counter()
        while time.perf_counter() - began < BAD_SECONDS:
            abused(house, path_of(name))

    before = measured(house, lambda: time.sleep(CALM_SECONDS))
    meanwhile = measured(house, misbehave)
    for percent in (50, 95):
        value = percentile(meanwhile.seconds, percent) * 1000
        baseline = percentile(before.seconds, percent) * 1000
        is_promised = percent == 50
        record(
            name=f"abuse: calls to prod during {name} in dev, p{percent}", value=value, unit="ms", baseline=baseline,
            goal=GOAL if is_promised else None, holds=value <= GOAL * baseline if is_promised else None,
        )  # fmt: skip
    failed = len(meanwhile.failures)
    record(name=f"abuse: of these {len(meanwhile.seconds)}, failed", value=failed, unit="", goal=0, holds=not failed)
    # What was done to dev is over for the next
    time.sleep(REST_SECONDS)


def measured(house: Any, during: Any) -> Any:
    from tests.abuse.abuses import Calls

    calls, ended = Calls(house), threading.Event()
    caller = threading.Thread(target=calls.make, args=(ended,))
    caller.start()
    try:
        during()
    finally:
        ended.set()
        caller.join()
    return calls


if __name__ == "__main__":
    main()
