"""Processes of gateways: replaced without a lost call, started again when they die, ended when they're no use."""

import contextlib
import http.client
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agent.appliers.base import Phase
from agent.engine import instances, machine, runtimes, sayings, warden
from tests.agent.load import Load
from tests.agent.place import Gateway, Place, call, children
from tests.fleet.processes import wait_until


def test_restart_size_and_secret_change_without_a_lost_call(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    with Load(place.port, gateway.host) as load:
        pids = {place.pid(gateway)}
        for change in range(6):
            if change % 3 == 0:
                gateway.restarts += 1
            elif change % 3 == 1:
                gateway.memory_mb += 64
            else:
                gateway.secrets = {"TOKEN": str(change)}
                place.apply(gateway.configuration())
            place.apply(gateway.runtime())
            place.reach(gateway.runtime())
            pids.add(place.pid(gateway))
            load.wait_for(200)
    load.require_none_failed()
    assert len(pids) == 7


def test_wishes_in_quick_succession_end_with_the_last_and_leave_one_process(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    with Load(place.port, gateway.host) as load:
        for _ in range(12):
            gateway.restarts += 1
            place.apply(gateway.runtime())
            time.sleep(0.03)
        place.reach(gateway.runtime())
        load.wait_for(100)
    load.require_none_failed()
    wait_until(lambda: len(denos()) == 1, what=f"one process: {denos()}")


def test_stopped_and_started_in_the_middle_it_runs_once(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    key = gateway.runtime().key
    for _ in range(5):
        place.remove(key)
        time.sleep(0.05)
        gateway.restarts += 1
        place.apply(gateway.runtime())
        time.sleep(0.05)
    place.reach(gateway.runtime())
    wait_until(lambda: len(denos()) == 1, within=20, what=f"one process: {denos()}")
    assert call(place.port, gateway.host)[0] == 404
    place.remove(key)
    place.reach_gone(key)
    assert not denos()
    assert call(place.port, gateway.host)[1]["type"] == "/errors/runtime-away"


def test_taken_away_while_it_starts_it_leaves_nothing(place: Place) -> None:
    gateway = Gateway()
    place.apply(*gateway.bundles())
    wait_until(denos, what="a process on its way")
    place.remove(*[bundle.key for bundle in gateway.bundles()])
    for bundle in gateway.bundles():
        place.reach_gone(bundle.key)
    assert not denos()
    assert not list((place.folder / "engine" / "gateways").iterdir())
    assert [
        each.name for each in (place.folder / "s").glob("*.sock") if not each.name.startswith(("ads", "admin"))
    ] == []


def test_one_that_dies_is_started_again_and_its_death_is_told(place: Place) -> None:
    gateway, other = Gateway("parcels"), Gateway("letters")
    place.bring_up(gateway, other)
    with Load(place.port, other.host) as load:
        pid = place.pid(gateway)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: place.engine.pids().get((gateway.name, "all"), pid) != pid, what="another process")
        place.reach(gateway.runtime())
        load.wait_for(50)
    load.require_none_failed()
    assert call(place.port, gateway.host)[0] == 404
    said = [status.message for key, _, status in place.reports if key == gateway.runtime().key]
    assert any("ended by signal 9" in message for message in said), said


def test_whoever_calls_one_that_has_just_died_is_answered_by_the_next(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    for _ in range(3):
        pid = place.pid(gateway)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: place.engine.pids().get((gateway.name, "all")) != pid, what="its end")  # noqa: B023
        assert call(place.port, gateway.host, within=20)[0] == 404
        place.reach(gateway.runtime())


def test_where_no_next_one_comes_callers_do_not_wait(place: Place, program: Path) -> None:
    program.write_text(PRELUDE % "")
    gateway = Gateway()
    place.bring_up(gateway)
    program.write_text("Deno.exit(1)")
    os.kill(place.pid(gateway), signal.SIGKILL)
    place.reach(gateway.runtime(), Phase.FAILED)
    status, problem = call(place.port, gateway.host)
    assert (status, problem["type"]) == (503, "/errors/runtime-away")


def test_one_that_dies_again_and_again_is_started_ever_more_slowly(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    pids = set()
    give_up_at = time.monotonic() + 4
    while time.monotonic() < give_up_at:
        if pid := place.engine.pids().get((gateway.name, "all")):
            pids.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    # At once, after 0.5 s, 1 s, 2 s
    assert 2 <= len(pids) <= 5
    # Another wish is none that has failed before
    gateway.restarts += 1
    place.apply(gateway.runtime())
    place.reach(gateway.runtime(), within=5)


def test_one_that_hangs_is_ended_and_another_takes_its_place(place: Place) -> None:
    gateway, other = Gateway("parcels"), Gateway("letters")
    place.bring_up(gateway, other)
    pid = place.pid(gateway)
    os.kill(pid, signal.SIGSTOP)
    with Load(place.port, other.host) as load:
        wait_until(lambda: place.engine.pids().get((gateway.name, "all"), pid) != pid, within=30, what="another")
        place.reach(gateway.runtime())
    load.require_none_failed()
    assert not psutil.pid_exists(pid)
    said = [status.message for key, _, status in place.reports if key == gateway.runtime().key]
    assert any("didn't answer" in message for message in said), said


def test_one_that_waits_for_the_cpu_is_not_taken_for_one_that_hangs(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if others took it all: whatever it has waited is enough."""
    monkeypatch.setattr(warden, "STARVED", -1.0)
    gateway = Gateway()
    place.bring_up(gateway)
    pid = place.pid(gateway)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: sum(place.engine._warden._failed.values()) > 3.5 * warden.STARVED_COUNTS, what="failed checks")
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not place.engine._warden._failed, what="a check that is passed")
    assert place.pid(gateway) == pid


PRELUDE = """
const config = JSON.parse(await new Response(Deno.stdin.readable).text());
const kept = [];
Deno.serve({ path: config.listen, onListen: () => console.log('{"event":"ready"}') }, async (request) => {
  const path = new URL(request.url).pathname;
  if (path === "/_imp/health") return new Response("well");
  %s
  return new Response("here", { headers: { "x-imp-gateway": config.gateway.id } });
});
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What processes run instead of the runtime: it does to itself what a function could."""
    file = tmp_path / "program.js"
    monkeypatch.setattr(instances, "PROGRAM", file)
    return file


def test_one_that_takes_more_memory_than_its_own_is_ended_and_others_go_on(place: Place, program: Path) -> None:
    program.write_text(PRELUDE % 'if (path === "/dev/eat") for (;;) kept.push(new Uint8Array(64e6).fill(1));')
    gateway, other = Gateway("parcels", memory_mb=128), Gateway("letters")
    place.bring_up(gateway, other)
    pid = place.pid(gateway)
    with Load(place.port, other.host, expect=200) as load:
        status, _ = call(place.port, gateway.host, "/eat")
        assert status in (500, 503)
        wait_until(lambda: place.engine.pids().get((gateway.name, "all"), pid) != pid, what="another process")
        place.reach(gateway.runtime())
        load.wait_for(50)
    load.require_none_failed()


def test_one_that_grows_slowly_is_ended_with_the_reason(place: Place, program: Path) -> None:
    program.write_text(PRELUDE % 'if (path === "/dev/eat") kept.push(new Uint8Array(16e6).fill(1));')
    gateway = Gateway("parcels", memory_mb=96)
    place.bring_up(gateway)
    pid = place.pid(gateway)

    def another() -> bool:
        call(place.port, gateway.host, "/eat")
        return place.engine.pids().get((gateway.name, "all"), pid) != pid

    wait_until(another, what="another process")
    said = [status.message for key, _, status in place.reports if key == gateway.runtime().key]
    assert any("more than its 96 MB of memory" in message for message in said), said


def test_one_that_never_gets_ready_is_told_with_its_last_words_and_a_better_wish_helps(
    place: Place, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "READY_WITHIN", 1.0)
    program.write_text("console.log('Loading …'); setInterval(() => {}, 1000);")
    gateway = Gateway()
    place.apply(*gateway.bundles())
    status = place.reach(gateway.runtime(), Phase.FAILED)
    assert "wasn't ready within" in status.message
    assert "Loading" in status.message
    program.write_text(PRELUDE % "")
    gateway.restarts += 1
    place.apply(gateway.runtime())
    place.reach(gateway.runtime())
    assert len(denos()) == 1


SAY = "const say = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));"
WAITS = """
say("database-away", { message: "no connection left" });
await new Promise((done) => setTimeout(done, Number(config.secrets.WAITS)));
say("database-back");
"""


def test_one_that_waits_for_its_database_is_waited_for_and_keeps_nobody_from_starting(
    place: Place, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "READY_WITHIN", 2.0)
    monkeypatch.setattr(runtimes, "READY_WITHIN", 2.0)
    beginning, server = (PRELUDE % "").split("const kept", 1)
    waits = f"if (config.secrets.WAITS) {{ {WAITS} }}"
    program.write_text(f"{SAY}{beginning}{waits} const kept{server}")

    def said_of(gateway: Gateway) -> str:
        status = place.status(gateway.runtime().key)
        return status.message if status else ""

    waiting = [Gateway(f"waiting-{number}") for number in range(machine.STARTS)]
    for gateway in waiting:
        gateway.secrets = {"WAITS": "6000"}
        place.apply(*gateway.bundles())
    for gateway in waiting:
        wait_until(lambda: "no connection left" in said_of(gateway), what="why it waits")  # noqa: B023
    other = Gateway("other")
    place.bring_up(other)
    assert all(gateway.name not in {name for name, _ in place.engine.pids()} for gateway in waiting)
    before = {each.pid for each in psutil.Process().children()}
    for gateway in waiting:
        place.reach(gateway.runtime())
    # The same ones, though they took longer than one may that says nothing; until then it was told as a failure
    assert {each.pid for each in psutil.Process().children()} == before
    for gateway in waiting:
        failed = [s.message for key, _, s in place.reports if key == gateway.runtime().key and s.phase is Phase.FAILED]
        assert failed == ["0 of 1 processes ready. The process waits for its database: no connection left"]


def test_another_database_in_the_place_of_its_own_is_told_each_time(place: Place, program: Path) -> None:
    program.write_text(SAY + PRELUDE % 'if (path === "/dev/another") say("database-replaced", { why: "it is" });')
    gateway = Gateway()
    place.bring_up(gateway)

    def told() -> list[str]:
        found = [status for key, _, status in place.reports if key == gateway.runtime().key]
        return [each.objects[0].message for each in found if each.phase is Phase.READY]

    for times in (1, 2):
        call(place.port, gateway.host, "/another")
        wait_until(lambda: told()[-1].endswith(f": {times} times so far."), what=f"{times} told")  # noqa: B023
    assert told()[0] == ""


STREAM = """
  if (path === "/dev/stream") return new Response(new ReadableStream({ async start(out) {
    for (let n = 0; n < 30; n++) {
      out.enqueue(new TextEncoder().encode(n + " "));
      await new Promise((done) => setTimeout(done, 100));
    }
    out.close();
  } }));
"""


@pytest.fixture
def streaming(program: Path) -> None:
    end = "Deno.addSignalListener('SIGTERM', async () => { await server.shutdown(); Deno.exit(0); });\n"
    program.write_text(end + PRELUDE.replace("Deno.serve(", "const server = Deno.serve(") % STREAM)


@contextlib.contextmanager
def open_stream(place: Place, gateway: Gateway) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=10)
    connection.request("GET", "/stream", headers={"Host": gateway.host})
    response = connection.getresponse()
    assert response.read(2) == b"0 "
    yield response
    connection.close()


@pytest.mark.usefixtures("streaming")
def test_a_stream_outlasts_the_restart_of_its_process(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    with open_stream(place, gateway) as stream:
        gateway.restarts += 1
        place.apply(gateway.runtime())
        place.reach(gateway.runtime())
        assert stream.read().decode().split() == [str(n) for n in range(1, 30)]
    wait_until(lambda: len(denos()) == 1, what="the old process to go")


@pytest.mark.usefixtures("streaming")
def test_the_end_of_everything_waits_for_no_stream(tmp_path: Path) -> None:
    place = Place(tmp_path)
    gateway, other = Gateway("parcels"), Gateway("letters")
    place.bring_up(gateway, other)
    with open_stream(place, gateway), open_stream(place, other):
        # One process retires with all its patience, one is being stopped
        gateway.restarts += 1
        place.apply(gateway.runtime())
        place.reach(gateway.runtime())
        place.remove(other.runtime().key)
        time.sleep(0.5)
        assert len(denos()) == 3
        began = time.monotonic()
        place.stop()
        assert time.monotonic() - began < 5


def test_the_end_of_everything_waits_for_nobody_who_hangs(tmp_path: Path) -> None:
    place = Place(tmp_path)
    gateways = [Gateway("parcels"), Gateway("letters"), Gateway("stamps")]
    place.bring_up(*gateways)
    for pid in (place.envoy(), *map(place.pid, gateways)):
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    place.stop()
    assert time.monotonic() - began < 4


def test_one_that_floods_its_log_neither_fills_the_memory_nor_takes_the_time_of_others(
    place: Place, program: Path
) -> None:
    flood = 'const line = new TextEncoder().encode("x".repeat(300000) + "\\n" + "line\\n".repeat(2000));'
    program.write_text(
        PRELUDE % f'if (path === "/dev/flood") {{ {flood} setInterval(() => Deno.stdout.writeSync(line), 1); }}'
    )
    gateway, other = Gateway("parcels"), Gateway("letters")
    place.bring_up(gateway, other)
    call(place.port, gateway.host, "/flood")
    before = psutil.Process().cpu_times().user
    with Load(place.port, other.host, threads=1, expect=200) as load:
        time.sleep(3)
    load.require_none_failed()
    lines = list(place.engine.lines_of(gateway.name, "all"))
    assert max(map(len, lines)) <= 8 * 1024
    assert len(lines) == sayings.LINES_KEPT
    assert psutil.Process().cpu_times().user - before < 3


def denos() -> list[str]:
    return [each for each in children() if "deno" in each and "become.py" not in each]
