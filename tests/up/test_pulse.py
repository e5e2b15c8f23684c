"""A process that shows by a file that its loop turns, and by its port that it serves."""

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core.up.probes import PulseProbe, Unhealthy

PID = 4711


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def pulse(tmp_path: Path) -> Path:
    file = tmp_path / "pulse"
    file.write_text(str(PID))
    return file


def check(file: Path, port: int) -> None:
    asyncio.run(PulseProbe(file, port).check(PID))


def test_a_fresh_pulse_and_an_open_port_are_well(pulse: Path, port: int) -> None:
    check(pulse, port)


def test_without_a_pulse_of_its_own_it_is_not_well(pulse: Path, port: int) -> None:
    pulse.write_text("1")
    with pytest.raises(Unhealthy, match="no pulse yet"):
        check(pulse, port)
    pulse.unlink()
    with pytest.raises(Unhealthy, match="no pulse yet"):
        check(pulse, port)


def test_an_old_pulse_is_a_loop_that_hangs(pulse: Path, port: int) -> None:
    before = time.time() - 60
    os.utime(pulse, (before, before))
    with pytest.raises(Unhealthy, match="no pulse for 60 s"):
        check(pulse, port)


def test_a_port_where_nobody_listens_is_not_well(pulse: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Unhealthy, match="nothing listens on port"):
            check(pulse, closed.getsockname()[1])
