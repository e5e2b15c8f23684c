"""What `manage.py up` says and refuses when it's started."""

import json
import os
import pty
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from apps.core.up.declaration import UpError
from apps.core.up.ports import reserve_port
from apps.core.up.preflight import check_state_folder
from tests.faults.product import PATIENCE, ROOT, Product
from tests.up.conftest import Scenario


def refused(product: Product, *arguments: str) -> str:
    """Starts it, expects one sentence and a failing exit code; returns the sentence."""
    product.start(*arguments)
    assert product.wait_ended(PATIENCE) == 1
    (sentence,) = product.lines
    return sentence


def test_parts_start_in_order_and_say_how_long_it_took(scenario: Scenario) -> None:
    product = scenario("steady")
    product.start()
    product.wait_started()
    told = [event["part"] for event in product.events() if re.match("done|ready", event.get("event", ""))]
    assert told == ["prepare", "web", "live"]
    started = product.event("started")
    assert started is not None
    assert started["addresses"]["Console"] == f"http://localhost:{product.port}/"
    soojin = {"email": "soojin@tidewater.example", "password": "imp-gateway-demo", "role": "owner"}
    assert started["sign_ins"] == [soojin]
    assert 0 < started["seconds"] < PATIENCE


def test_lines_of_parts_become_json_objects_that_name_the_part(scenario: Scenario) -> None:
    product = scenario("steady")
    product.start()
    product.wait_started()
    assert all(json.loads(line) for line in product.lines)
    assert {"process": "web", "event": "hello", "process_name": "inner", "n": 1} in product.events()
    assert {"process": "live", "line": "plain text"} in product.events()


def test_on_a_terminal_lines_carry_the_parts_name_and_a_table_follows(scenario: Scenario) -> None:
    product = scenario("steady")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=product.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + PATIENCE
    while b"Ctrl-C stops it" not in shown:
        assert time.monotonic() < deadline, shown.decode()
        shown += os.read(ours, 65536)
    process.terminate()
    assert process.wait(PATIENCE) == 0
    os.close(ours)
    text = re.sub(r"\x1b\[\d+m", "", shown.decode())
    assert "\x1b[" in shown.decode()
    assert re.search(r"prepare +│ done in \d", text)
    assert re.search(r"web +│ ready in \d", text)
    assert "live    │ plain text" in text.replace("live    │ plain \x1b[31mtext", "live    │ plain text")
    assert re.search(rf"Console +http://localhost:{product.port}/", text)
    assert "soojin@tidewater.example  imp-gateway-demo  owner" in text


def test_a_second_start_in_the_same_folder_names_the_first(scenario: Scenario) -> None:
    first, second = scenario("steady"), scenario("steady")
    first.start()
    first.wait_started()
    assert first.process is not None
    sentence = refused(second)
    assert f"process {first.process.pid}, http://localhost:{first.port}" in sentence
    assert first.get("/")[0] == 200


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        reserved = reserve_port(wanted=taken, asked_by="", what="the pages")
        assert reserved.number > taken
        assert reserved.reservation is not None
        # Nobody else gets it, also without having been told
        again = reserve_port(wanted=taken, asked_by="", what="the pages")
        assert again.number > reserved.number
        for port in (reserved, again):
            assert port.reservation is not None
            port.reservation.close()


@pytest.mark.parametrize("by_option", [True, False])
def test_a_port_that_was_asked_for_by_name_is_refused_when_taken(scenario: Scenario, by_option: bool) -> None:
    product = scenario("steady")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0 if by_option else product.port))
        other.listen()
        taken = other.getsockname()[1]
        sentence = refused(product, *(["--port", str(taken)] if by_option else []))
    assert sentence == (
        f"Port {taken} for the pages is in use; stop what listens there or choose another one in "
        f"{'--port' if by_option else 'PORT'}."
    )
    assert not (product.state / "up").exists()


@pytest.mark.parametrize("name", ["PORT", "AGENTS_PORT", "GATEWAY_PORT"])
@pytest.mark.parametrize("value", ["70000", "web"])
def test_a_port_that_is_none_is_refused(scenario: Scenario, name: str, value: str) -> None:
    sentence = refused(scenario("steady", **{name: value}))
    assert f"{name} is {value}" in sentence.replace("'", "")


def test_where_gateways_answer_is_told_once_it_runs(scenario: Scenario) -> None:
    product = scenario("steady")
    product.start()
    product.wait_started()
    started = product.event("started")
    assert started is not None
    assert started["gateways"] == [f"http://parcel-tracking.dev.localhost:{product.gateway_port}/"]
    assert product.run.agents_port == product.agents_port


def test_a_database_that_does_not_answer_is_refused_before_anything_starts(state: Path) -> None:
    product = Product(state, DATABASE_URL="postgres://imp:secret-word@127.0.0.1:9/imp")
    sentence = refused(product)
    assert sentence.startswith("The database of DATABASE_URL can't be used:")
    assert "secret-word" not in sentence
    assert list(state.iterdir()) == []


def test_a_wrong_database_address_is_one_sentence(state: Path) -> None:
    sentence = refused(Product(state, DATABASE_URL="mysql://imp@localhost/imp"))
    assert "Write DATABASE_URL as postgres://user:password@host:5432/name" in sentence


def test_a_state_folder_that_cannot_be_made_is_refused() -> None:
    sentence = refused(Product(Path("/proc/imp-state")))
    assert sentence.startswith("/proc/imp-state can't be written to")
    assert "IMP_STATE_DIR" in sentence


def test_a_full_disk_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 12_000_000))
    with pytest.raises(UpError, match=r"has 12 MB left and 300 MB are needed: make room"):
        check_state_folder(state)


def test_what_a_crashed_run_left_is_taken_over(scenario: Scenario) -> None:
    product = scenario("steady")
    (product.state / "up").mkdir()
    (product.state / "up" / "lock").touch()
    (product.state / "up" / "run.json").write_text('{"pid": 1, "address"')
    product.start()
    product.wait_started()
    assert product.stop() == 0
