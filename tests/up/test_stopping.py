"""Whatever ends it, nothing stays behind."""

import contextlib
import os
import signal
import time

import psutil
import pytest

from apps.core.up.declaration import MARKER
from apps.core.up.trees import marked
from tests.faults.product import PATIENCE, STOP_WITHIN, Product, stretched, wait_until
from tests.up.conftest import Scenario


def guards_of(product: Product) -> set[int]:
    assert product.process is not None
    found = set()
    for child in psutil.Process(product.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if "apps.core.up.guard" in child.cmdline():
                found.add(child.pid)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_reverse_order(scenario: Scenario, number: signal.Signals) -> None:
    product = scenario("steady")
    product.start()
    product.wait_started()
    product.signal(number)
    assert product.wait_ended(stretched(STOP_WITHIN)) == 0
    stopped = [event["part"] for event in product.events() if str(event.get("event")).startswith("stopped")]
    assert stopped == ["live", "web"]
    product.assert_nothing_left()


def test_a_signal_while_it_starts_stops_everything(scenario: Scenario) -> None:
    product = scenario("steady")
    product.start()
    wait_until(lambda: product.event("done", "prepare"), what="the first step")
    product.signal(signal.SIGINT)
    assert product.wait_ended(stretched(STOP_WITHIN)) == 0
    product.assert_nothing_left()


def test_a_part_that_does_not_listen_is_killed(scenario: Scenario) -> None:
    product = scenario("stubborn")
    product.start()
    product.wait_started()
    began = time.monotonic()
    assert product.stop() == 0
    assert time.monotonic() - began > 0.9
    product.assert_nothing_left()


def test_a_second_ctrl_c_kills_at_once(scenario: Scenario) -> None:
    product = scenario("immovable")
    product.start()
    product.wait_started()
    product.signal(signal.SIGINT)
    wait_until(lambda: product.event("stopping"), what="the first answer")
    assert product.process is not None
    assert product.process.poll() is None
    product.signal(signal.SIGINT)
    assert product.wait_ended(stretched(STOP_WITHIN)) == 0
    product.assert_nothing_left()


def test_grandchildren_go_too_also_those_with_a_session_of_their_own(scenario: Scenario) -> None:
    product = scenario("family")
    product.start()
    product.wait_started()
    assert len(product.processes_of("web")) == 2
    assert len(product.processes_of("live")) == 2
    assert product.stop() == 0
    product.assert_nothing_left()


def test_nothing_survives_the_killing_of_the_supervisor(scenario: Scenario) -> None:
    product = scenario("family")
    product.start()
    product.wait_started()
    product.signal(signal.SIGKILL)
    product.wait_ended(PATIENCE)
    wait_until(lambda: not product.everything(), what="no process left")


def test_the_next_start_ends_what_a_killed_supervisor_and_its_guard_left(scenario: Scenario) -> None:
    first = scenario("family")
    first.start()
    first.wait_started()
    (guard,) = guards_of(first)
    assert first.process is not None
    left = (first.processes_of("web") | first.processes_of("live")) - {first.process.pid}
    os.kill(guard, signal.SIGSTOP)
    first.signal(signal.SIGKILL)
    os.kill(guard, signal.SIGKILL)
    first.wait_ended(PATIENCE)
    assert left <= marked(MARKER, str(first.state))

    second = scenario("steady")
    second.start()
    second.wait_started()
    assert second.event(f"ended {len(left)} processes that an earlier run left behind")
    assert not left & marked(MARKER, str(first.state))
    assert second.stop() == 0


def test_a_killed_guard_is_replaced(scenario: Scenario) -> None:
    product = scenario("family")
    product.start()
    product.wait_started()
    (guard,) = guards_of(product)
    os.kill(guard, signal.SIGKILL)
    wait_until(lambda: guards_of(product) - {guard}, what="another guard")
    product.signal(signal.SIGKILL)
    product.wait_ended(PATIENCE)
    wait_until(lambda: not product.everything(), what="no process left")
