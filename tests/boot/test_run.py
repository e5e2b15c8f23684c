"""`make run` as a person types it, in this folder with a state of its own: to the sign-in page, and away again."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

from apps.core.postgres.launcher import EmbeddedPostgres
from tests.boot.clone import ROOT
from tests.machine import free_port

PATIENCE = 120


@pytest.fixture
def environment(folder: Path) -> Iterator[dict[str, str]]:
    state = folder / "state"
    (folder / "home").mkdir()
    yield {
        **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")},
        "HOME": str(folder / "home"),
        "IMP_STATE_DIR": str(state),
        "PORT": str(free_port()),
        "LIVE_PORT": str(free_port()),
        "AGENTS_PORT": str(free_port()),
        "GATEWAY_PORT": str(free_port()),
    }
    EmbeddedPostgres(state / "postgres").remove()


def run(environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["make", "run", f"PYTHON={sys.executable}"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def until_started(process: "subprocess.Popen[str]") -> dict[str, object]:
    """What the supervisor says once everything answers; the output goes on being read, so that nothing blocks."""
    lines: list[str] = []
    timer = threading.Timer(PATIENCE, lambda: os.killpg(process.pid, signal.SIGKILL))
    timer.start()
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("{") and json.loads(line).get("event") == "started":
                threading.Thread(target=drain, args=(process.stdout,), daemon=True).start()
                return dict(json.loads(line))
    finally:
        timer.cancel()
    raise AssertionError("It never said that it started:\n" + "".join(lines[-40:]))


def drain(output: IO[str]) -> None:
    with output:
        output.read()


def left_of(state: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("IMP_STATE_DIR") == state or state in " ".join(process.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_it_reaches_a_sign_in_and_ctrl_c_leaves_nothing_behind(environment: dict[str, str]) -> None:
    process = run(environment)
    told = until_started(process)
    address = f"http://localhost:{environment['PORT']}/"
    assert told["addresses"]["Console"] == address  # type: ignore[index]
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        assert 'type="password"' in answer.read().decode()

    second = run(environment)
    output, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode != 0
    assert "running in this folder already" in output
    assert address.rstrip("/") in output

    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=PATIENCE)
    while left_of(environment["IMP_STATE_DIR"]) and time.monotonic() - began < PATIENCE:
        time.sleep(0.05)
    assert left_of(environment["IMP_STATE_DIR"]) == []
    assert not list(Path(environment["IMP_STATE_DIR"]).rglob(".s.PGSQL.*"))
    assert not list(Path(environment["HOME"]).iterdir())


def test_a_database_that_does_not_answer_is_one_sentence(environment: dict[str, str]) -> None:
    environment["DATABASE_URL"] = f"postgres://imp:secret@127.0.0.1:{free_port()}/imp"

    output, _ = (process := run(environment)).communicate(timeout=PATIENCE)

    assert process.returncode != 0
    [sentence] = [line for line in output.splitlines() if "DATABASE_URL" in line]
    assert sentence.startswith("The database of DATABASE_URL can't be used: ")
    assert "secret" not in sentence
    assert "Traceback" not in output


@pytest.mark.parametrize("address", ["mysql://somewhere/imp", "postgres://somewhere", "postgres://somewhere:port/imp"])
def test_an_address_that_is_none_is_one_sentence(environment: dict[str, str], address: str) -> None:
    output, _ = (process := run({**environment, "DATABASE_URL": address})).communicate(timeout=PATIENCE)

    assert process.returncode != 0
    [sentence] = [line for line in output.splitlines() if "DATABASE_URL" in line]
    assert "Write DATABASE_URL as postgres://user:password@host:5432/name" in sentence
    assert "Traceback" not in output
