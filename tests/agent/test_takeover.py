"""Another Envoy in the place of the one that runs: no call notices, on kept connections and on new ones."""

import contextlib
import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.engine import envoys, proxy
from agent.engine.envoys import Program, envoy_program
from tests.agent.load import Load
from tests.agent.place import Gateway, Place, call, children
from tests.fleet.processes import wait_until


@pytest.fixture(autouse=True)
def _short_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept connections have to move within it."""
    for module in (envoys, proxy):
        monkeypatch.setattr(module, "DRAIN_SECONDS", 4.0)


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Envoy that can be replaced by another."""
    file = tmp_path_factory.mktemp("installed") / "envoy"
    shutil.copy(envoy_program(), file)
    monkeypatch.setattr(envoys, "envoy_program", lambda: file)
    monkeypatch.setattr(proxy, "SETTLED_SECONDS", 1.0)
    return file


def install(file: Path, content: str = "") -> None:
    """As package managers do; without content the same once more."""
    fresh = file.with_name("fresh")
    if content:
        fresh.write_text(content)
        fresh.chmod(0o755)
    else:
        shutil.copy(file, fresh)
    fresh.replace(file)


@contextlib.contextmanager
def all_kinds_of_calls(place: Place, gateway: Gateway) -> Iterator[tuple[Load, Load]]:
    with Load(place.port, gateway.host) as kept, Load(place.port, gateway.host, keep=False) as new:
        yield kept, new
    kept.require_none_failed()
    new.require_none_failed()


def reach_another(place: Place, before: int, within: float = 20) -> int:
    wait_until(lambda: place.engine.proxy.pid not in (None, before), within=within, what="another Envoy")
    return place.envoy()


def reach_one(place: Place) -> None:
    wait_until(lambda: len(place.engine.proxy.pids) == 1, within=20, what="the one before to end")


def test_no_call_notices_that_envoy_is_replaced(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    with all_kinds_of_calls(place, gateway) as (kept, new):
        for _ in range(3):
            before = place.envoy()
            place.renew()
            reach_another(place, before)
            # What is wanted while both are there is wanted of both
            gateway.restarts += 1
            place.apply(gateway.runtime())
            place.reach(gateway.runtime())
            reach_one(place)
            kept.wait_for(50)
            new.wait_for(50)
    assert new.answers > 500


def test_a_call_that_is_under_way_finishes_with_the_one_that_has_it(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    before = place.envoy()
    with socket.create_connection(("127.0.0.1", place.port), timeout=10) as slow:
        slow.sendall(f"POST /slow HTTP/1.1\r\nHost: {gateway.host}\r\nContent-Length: 4\r\n\r\nab".encode())
        time.sleep(0.2)
        place.renew()
        reach_another(place, before)
        time.sleep(2.5)
        assert len(place.engine.proxy.pids) == 2
        slow.sendall(b"cd")
        answer = slow.recv(4096)
    assert answer.startswith(b"HTTP/1.1 404 ")
    # Another call on it would be lost
    assert b"connection: close" in answer.lower()
    reach_one(place)


def test_wishes_that_come_together_cut_nobody_off(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    with all_kinds_of_calls(place, gateway):
        before = place.envoy()
        for _ in range(5):
            place.renew()
            time.sleep(0.1)
        second = reach_another(place, before)
        # The wishes after the first are one, and it waits for its turn
        reach_another(place, second)
        reach_one(place)


def test_an_envoy_that_is_installed_takes_over_by_itself(installed: Path, tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        gateway = Gateway()
        place.bring_up(gateway)
        before = place.envoy()
        with all_kinds_of_calls(place, gateway):
            install(installed)
            after = reach_another(place, before)
            assert os.stat(f"/proc/{after}/exe").st_ino == installed.stat().st_ino
            reach_one(place)
        time.sleep(2.5)
        assert place.envoy() == after
    finally:
        place.stop()


@pytest.mark.parametrize(
    ("content", "said"),
    [("#!/bin/sh\necho no such library >&2\nexit 127\n", "no such library"), ("half of it", "Exec format error")],
)
def test_one_that_does_not_run_takes_nothing_over(
    installed: Path, tmp_path: Path, content: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(tmp_path)
    try:
        gateway = Gateway()
        place.bring_up(gateway)
        before = place.envoy()
        with all_kinds_of_calls(place, gateway) as (kept, _):
            install(installed, content)
            wait_until(lambda: place.engine.proxy._declined is not None, what="a look at it")
            kept.wait_for(100)
        assert place.envoy() == before
        assert "can't take over" in caplog.text
        assert said in caplog.text
        # A better one gets its turn
        shutil.copy(envoy_program(), installed.with_name("good"))
        installed.with_name("good").replace(installed)
        reach_another(place, before)
    finally:
        place.stop()


def test_one_that_cannot_inherit_takes_over_beside_the_one_before(installed: Path, tmp_path: Path) -> None:
    """Another protocol between the two. Kept connections don't notice; one that waits to be taken may be reset."""
    place = Place(tmp_path)
    try:
        gateway = Gateway()
        place.bring_up(gateway)
        before = place.envoy()
        with Load(place.port, gateway.host) as kept:
            shutil.copy(installed, installed.with_name("real"))
            real = installed.with_name("real")
            asked = '[ "$1" != --hot-restart-version ] || { echo another; exit; }'
            install(installed, f'#!/bin/sh\n{asked}\nexec {real} "$@"\n')
            reach_another(place, before)
            reach_one(place)
            kept.wait_for(100)
        kept.require_none_failed()
    finally:
        place.stop()


def test_one_that_hangs_is_replaced_before_it_is_ended(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    before = place.envoy()
    os.kill(before, signal.SIGSTOP)
    after = reach_another(place, before)
    wait_until(lambda: answers(place, gateway), what="an answer")
    wait_until(lambda: place.engine.proxy.pids == [after], what="the end of the one that hangs")
    place.apply(gateway.routes())
    place.reach(gateway.routes())


@pytest.mark.parametrize("victim", ["before", "after", "both"])
def test_killed_at_any_moment_of_a_takeover_it_heals(place: Place, victim: str) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    chance = random.Random(victim)
    for _ in range(6):
        place.renew()
        time.sleep(chance.uniform(0.0, 0.7))
        pids = sorted(place.engine.proxy.pids)
        for pid in {"before": pids[:1], "after": pids[-1:], "both": pids}[victim]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: answers(place, gateway), within=20, what="an answer")
    wait_until(lambda: len(envoys_of_here()) == 1, within=20, what="one Envoy")
    gateway.restarts += 1
    place.apply(gateway.runtime())
    place.reach(gateway.runtime())


def test_nothing_of_any_of_them_stays(tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        gateway = Gateway()
        place.bring_up(gateway)
        memory = [each for number in range(proxy.LINEAGES) for each in place.engine.proxy._lineage(number).memory]
        assert len(memory) == 1
        before = place.envoy()
        place.renew()
        reach_another(place, before)
    finally:
        place.stop()
    assert not memory[0].exists()
    assert not list((tmp_path / "engine" / "envoy").iterdir())
    assert not (tmp_path / "s").exists()


def test_the_program_is_envoys_own(tmp_path: Path) -> None:
    """And not the one of Python's that starts it: that one takes its time at each start."""
    assert Program.find().path.read_bytes()[:4] == b"\x7fELF"


def answers(place: Place, gateway: Gateway) -> bool:
    with contextlib.suppress(OSError):
        return call(place.port, gateway.host)[0] == 404
    return False


def envoys_of_here() -> list[str]:
    return [each for each in children() if "envoy -c" in each]
