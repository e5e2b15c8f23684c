"""`python -m agent` as a program: how it begins, from its disk too, and that nothing of it is left when it ends."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from agent.store import Store
from tests.agent.load import Load
from tests.agent.place import Gateway, call
from tests.fleet.processes import BASE, RunningAgent, wait_until
from tests.machine import free_port

Start = Callable[..., RunningAgent]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Agents whose portal is away, with gateways on their disk."""
    started: list[RunningAgent] = []

    def begin(*gateways: Gateway, folder: Path = tmp_path / "agent") -> RunningAgent:
        if gateways:
            bundles = [bundle for gateway in gateways for bundle in gateway.bundles()]
            Store(folder).write(1, bundles, [])
        started.append(RunningAgent(folder, free_port()))
        return started[-1]

    yield begin
    for agent in started:
        agent.kill()


def answers(agent: RunningAgent, *gateways: Gateway) -> bool:
    with contextlib.suppress(OSError):
        return all(call(agent.port, each.host)[1].get("gateway") == each.name for each in gateways)
    return False


def family(agent: RunningAgent) -> list[psutil.Process]:
    return psutil.Process(agent.process.pid).children(recursive=True)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *options], cwd=BASE, capture_output=True, text=True, timeout=30, check=False
    )


def test_begun_from_disk_without_portal_it_serves_and_ends_within_five_seconds(start: Start) -> None:
    gateways = [Gateway("parcels"), Gateway("letters")]
    agent = start(*gateways)
    wait_until(lambda: answers(agent, *gateways), what="both gateways", log=agent.log)
    children = family(agent)
    assert len(children) == 4
    with Load(agent.port, "parcels.dev.localhost") as load:
        agent.process.send_signal(signal.SIGTERM)
        assert agent.process.wait(5) == 0
        load.end()
    assert not [each for each in children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert not (agent.state / "s").exists()
    # Calls that were under way were finished; afterwards nobody was there
    assert not [each for each in load.failures if each.startswith(("50", "RemoteDisconnected", "IncompleteRead"))]


def test_a_hang_up_replaces_envoy_and_no_call_notices(start: Start) -> None:
    gateway = Gateway()
    agent = start(gateway)
    wait_until(lambda: answers(agent, gateway), what="the gateway", log=agent.log)
    with Load(agent.port, gateway.host) as kept, Load(agent.port, gateway.host, keep=False) as new:
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "envoy replaced" in agent.log.read_text(), what="another Envoy", log=agent.log)
        # The one before closes what still calls on it within two seconds
        time.sleep(2.5)
        kept.wait_for(50)
        new.wait_for(50)
    kept.require_none_failed()
    new.require_none_failed()
    agent.stop()
    assert agent.process.returncode == 0


def test_killed_it_takes_its_processes_with_it_and_comes_back_from_disk(start: Start) -> None:
    gateway = Gateway()
    agent = start(gateway)
    wait_until(lambda: answers(agent, gateway), what="the gateway", log=agent.log)
    children = family(agent)
    os.kill(agent.process.pid, signal.SIGKILL)
    agent.process.wait()
    again = start()
    wait_until(lambda: answers(again, gateway), what="the gateway again", log=again.log)
    assert not [each for each in children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_many_gateways_come_back_from_disk_together(start: Start) -> None:
    gateways = [Gateway(f"gateway-{number}") for number in range(12)]
    agent = start(*gateways)
    wait_until(lambda: answers(agent, *gateways), within=60, what="all of them", log=agent.log)
    assert len(family(agent)) == 14


def test_a_second_one_in_the_same_folder_says_so_and_harms_nothing(start: Start) -> None:
    gateway = Gateway()
    agent = start(gateway)
    wait_until(lambda: answers(agent, gateway), what="the gateway", log=agent.log)
    second = run("--state", str(agent.state), "--listen", f"127.0.0.1:{free_port()}")
    assert second.returncode == 3
    assert f"Another agent (process {agent.process.pid}) runs in {agent.state}." in second.stderr
    assert answers(agent, gateway)


def test_a_port_that_is_taken_is_named(start: Start, tmp_path: Path) -> None:
    agent = start(Gateway())
    wait_until(lambda: answers(agent, Gateway()), what="the gateway", log=agent.log)
    second = run("--state", str(tmp_path / "other"), "--listen", f"127.0.0.1:{agent.port}")
    assert second.returncode == 3
    assert f"Gateways can't answer at 127.0.0.1:{agent.port}: another program listens there." in second.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--listen", "8100"], "--listen 8100: give a host and a port"),
        (["--listen", "127.0.0.1:99999"], "give a host and a port"),
        (["--listen", "203.0.113.1:8100"], "Gateways can't answer at 203.0.113.1:8100"),
        (["--portal", "portal"], "--portal portal: give a host and a port"),
        (["--ca", "/nowhere/authority.pem"], "--ca /nowhere/authority.pem can't be read"),
        (["--state", "/proc/nowhere"], "Can't write to /proc/nowhere"),
        (["--state", "{broken}"], "{broken}/bundles/in-the-way"),
    ],
)
def test_what_hinders_it_is_said_in_a_sentence(tmp_path: Path, options: list[str], sentence: str) -> None:
    broken = tmp_path / "broken"
    (broken / "bundles" / "in-the-way.unfinished").mkdir(parents=True)
    usual = ["--state", str(tmp_path / "state"), "--listen", f"127.0.0.1:{free_port()}"]
    ended = run(*usual, *(each.format(broken=broken) for each in options))
    assert ended.returncode == 3
    assert sentence.format(broken=broken) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_its_help_says_how_it_is_run() -> None:
    ended = run("--help")
    assert ended.returncode == 0
    for word in ("--portal", "--token-file", "TLS", "examples:", "SIGTERM", "SIGHUP", "Exit code"):
        assert word in ended.stdout


def test_a_long_path_is_no_hindrance(start: Start, tmp_path: Path) -> None:
    gateway = Gateway()
    agent = start(gateway, folder=tmp_path / ("long-" * 20) / ("path-" * 20))
    wait_until(lambda: answers(agent, gateway), what="the gateway", log=agent.log)
    agent.stop()
    assert agent.process.returncode == 0


def test_what_is_broken_on_its_disk_harms_nothing_else(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    good, bad = Gateway("parcels"), Gateway("letters")
    store = Store(folder)
    store.write(3, [*good.bundles(), *bad.bundles()], [])
    for bundle in bad.bundles()[2:]:
        file = store._file_of(bundle.key)
        file.write_bytes(file.read_bytes()[:-20])
    (folder / "bundles" / "0123.unfinished").write_text("half of")
    (folder / "bundles" / "noise").write_bytes(bytes(range(256)))
    (folder / "identity.json").write_text('{"agent_id": 7')
    (folder / "place").write_text("[]")
    (folder / "revision").write_text("many")
    (folder / "engine" / "gateways" / "left-behind").mkdir(parents=True)
    agent = start()
    wait_until(lambda: answers(agent, good), what="the gateway", log=agent.log)
    wait_until(lambda: "identity unreadable" in agent.log.read_text(), what="a word about it", log=agent.log)
    assert "bundle unreadable" in agent.log.read_text()
    assert not (folder / "bundles" / "0123.unfinished").exists()
    assert not (folder / "engine" / "gateways" / "left-behind").exists()


def test_its_log_holds_no_secret_and_is_made_of_json(start: Start) -> None:
    gateway = Gateway()
    gateway.secrets = {"TOKEN": "a-secret-of-the-gateway"}
    agent = start(gateway)
    wait_until(lambda: answers(agent, gateway), what="the gateway", log=agent.log)
    os.kill(next(each.pid for each in family(agent) if "deno" in each.name()), signal.SIGKILL)
    wait_until(lambda: "ended by signal 9" in agent.log.read_text(), what="the end", log=agent.log)
    lines = agent.log.read_text().splitlines()
    assert all(json.loads(line)["event"] for line in lines)
    assert "a-secret-of-the-gateway" not in agent.log.read_text()
    for process in family(agent):
        shown = " ".join(process.cmdline()) + json.dumps(process.environ())
        assert "a-secret-of-the-gateway" not in shown


def test_at_rest_it_takes_hardly_any_time(start: Start) -> None:
    gateway = Gateway()
    agent = start(gateway)
    wait_until(lambda: answers(agent, gateway), what="the gateway", log=agent.log)
    time.sleep(2)
    process = psutil.Process(agent.process.pid)
    before = sum(process.cpu_times()[:2])
    time.sleep(5)
    # Of five seconds; a loop that turns without need takes all of them
    assert sum(process.cpu_times()[:2]) - before < 0.5
    assert process.num_fds() < 60
    assert process.num_threads() < 20
