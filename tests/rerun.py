"""Which tests are tried once more when they fail: those with several processes on a machine that has others to run.

What a second try mends is named as RERUN in the summary, so that it's seen.
"""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
# A test that asks for one of these has a browser, a stream or a worker beside itself
FIXTURES = frozenset({"browser_thread", "live", "listen"})
# As have all tests in these places
PLACES = tuple(
    HERE / name
    for name in (
        "abuse", "agent", "boot", "escape", "faults", "fleet", "functions/publishing",
        "functions/test_saves_under_load.py", "gateways/test_domains_end_to_end.py", "gateways/test_end_to_end.py",
        "gateways/test_on_this_machine.py", "lifecycle/test_workers.py", "queue", "runtime", "sso",
        "triggers/test_end_to_end.py", "triggers/test_ticker.py", "up",
    )
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())) or any(map(item.path.is_relative_to, PLACES)):
            item.add_marker(pytest.mark.flaky(reruns=1))
