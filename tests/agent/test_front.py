"""Envoy: what it refuses harms nobody else, and it comes back when it dies or hangs."""

import contextlib
import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from agent.appliers.base import Phase
from agent.appliers.local import UNFORESEEN
from agent.engine import access_log, envoys
from tests.agent.load import Load
from tests.agent.place import Gateway, Place, call, manifest, wanted
from tests.fleet.processes import wait_until
from tests.machine import free_port

BAD = {"request_headers_to_add": [{"header": {"key": "host", "value": "elsewhere"}}]}
REASON = "host headers may not be modified"


def answers(place: Place, gateway: Gateway) -> bool:
    with contextlib.suppress(OSError):
        return call(place.port, gateway.host)[0] == 404 and call(place.port, gateway.host)[1].get("gateway") is not None
    return False


def test_refused_routes_say_why_and_the_ones_before_go_on(place: Place) -> None:
    gateway, other = Gateway("parcels"), Gateway("letters")
    place.bring_up(gateway, other)
    with Load(place.port, gateway.host, threads=2) as load, Load(place.port, other.host, threads=2) as others:
        bad = gateway.routes(**BAD)
        place.apply(bad)
        status = place.reach(bad, Phase.FAILED)
        assert REASON in status.message
        for each in (load, others):
            each.wait_for(50)
    load.require_none_failed()
    others.require_none_failed()
    # Another Envoy gets what the last one took
    os.kill(place.envoy(), signal.SIGKILL)
    wait_until(lambda: answers(place, gateway) and answers(place, other), what="both after another Envoy")
    place.apply(gateway.routes())
    place.reach(gateway.routes())


def test_in_the_first_full_sync_one_bad_table_harms_no_other(tmp_path: Path) -> None:
    gateways = [Gateway(f"gateway-{number}") for number in range(6)]
    bundles = [bundle for each in gateways for bundle in each.bundles()[:3]]
    bad = gateways[3].routes(**BAD)
    place = Place(tmp_path, bundles=(*bundles, bad, *(each.routes() for each in gateways if each is not gateways[3])))
    try:
        for gateway in gateways:
            if gateway is not gateways[3]:
                place.reach(gateway.routes())
                assert answers(place, gateway)
        assert REASON in place.reach(bad, Phase.FAILED).message
        for _ in range(2):
            os.kill(place.envoy(), signal.SIGKILL)
            good = [each for each in gateways if each is not gateways[3]]
            wait_until(lambda good=good: all(answers(place, each) for each in good), within=5, what="the good ones")
        place.apply(gateways[3].routes())
        place.reach(gateways[3].routes())
        assert answers(place, gateways[3])
    finally:
        place.stop()


def test_a_host_is_its_first_owners_until_they_let_go(place: Place) -> None:
    first, second = Gateway("parcels"), Gateway("letters")
    place.bring_up(first)
    place.apply(*second.bundles()[:3])
    claim = second.routes(hosts=(second.host, first.host))
    place.apply(claim)
    status = place.reach(claim, Phase.FAILED)
    assert status.message == f"The host {first.host} is parcels's already: change one of the two."
    assert call(place.port, first.host)[1]["gateway"] == "parcels"
    # What is refused takes nothing away when it goes
    place.remove(claim.key)
    place.reach_gone(claim.key)
    assert call(place.port, first.host)[1]["gateway"] == "parcels"
    place.apply(claim)
    place.reach(claim, Phase.FAILED)
    place.remove(first.routes().key)
    place.reach(claim)
    assert call(place.port, first.host)[1]["gateway"] == "letters"


def test_why_envoy_cant_be_started_is_told_without_the_place_and_it_comes_once_it_can(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    folder = place.folder / "engine" / "envoy"
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")
    os.kill(place.envoy(), signal.SIGKILL)
    wait_until(lambda: "Not a directory" in place.engine.proxy.problem, what="a word about it")
    assert place.engine.proxy.problem == "Envoy isn't running: Not a directory"
    folder.unlink()
    aside.rename(folder)
    wait_until(lambda: answers(place, gateway), within=30, what="Envoy again")


def test_of_a_mistake_of_its_own_it_says_no_more_than_that_to_whoever_reads_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway()

    def fail(*_given: object) -> None:
        raise KeyError("/secret/place")

    with monkeypatch.context() as broken:
        broken.setattr(place.engine, "put_routes", fail)
        place.apply(*gateway.bundles())
        assert place.reach(gateway.routes(), Phase.FAILED).message == UNFORESEEN
    # It's tried again by itself
    place.reach(gateway.routes())


def test_of_a_folder_that_cant_be_made_nobody_hears_where_it_is(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    folder = place.folder / "engine" / "gateways" / gateway.name
    shutil.rmtree(folder)
    folder.write_text("in the way")
    os.kill(place.pid(gateway), signal.SIGKILL)
    status = place.reach(gateway.runtime(), Phase.FAILED)
    assert "can't be started" in status.message
    assert str(place.folder) not in status.message
    folder.unlink()
    place.reach(gateway.runtime())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not json", "isn't JSON"),
        (b'{"kind": "Routes"}', "isn't a list"),
        (["text"], "Manifest 0 isn't an object"),
        ([manifest("Deployment", "parcels", "all", 2, {})], "This engine has no Deployment"),
        ([{**manifest("Namespace", "p", "x", 0, {}), "api_version": "apps/v1"}], "This engine has no Namespace of"),
        ([manifest("Namespace", "../../etc", "x", 0, {})], "is no name"),
        ([manifest("Runtime", "parcels", "all", 2, {"stages": ["dev"]})], "gateway must be"),
        (Gateway().runtime(problem_types='https://x/"').manifests, "problem_types must be an address"),
        ([manifest("Routes", "parcels", "routes", 3, {"resources": [{"name": 1}]})], "a list of resources"),
        (
            [manifest("Routes", "p", "r", 3, {"resources": [{"type_url": "x.Listener", "name": "m", "resource": {}}]})],
            "routes can't bring a Listener",
        ),
        (
            [
                manifest(
                    "Routes", "p", "r", 3,
                    {
                        "resources": [
                            {
                                "type_url": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
                                "name": "p",
                                "resource": {"name": "p", "virtual_host": []},
                            }
                        ]
                    },
                )
            ],
            "virtual_host",
        ),
    ],
)  # fmt: skip
def test_a_bundle_that_cant_be_says_why_and_harms_no_other(place: Place, content: object, reason: str) -> None:
    bad = wanted("gateway/bad/thing", content)
    gateway = Gateway()
    place.apply(bad, *gateway.bundles())
    assert reason in place.reach(bad, Phase.FAILED).message
    for bundle in gateway.bundles():
        place.reach(bundle)
    place.remove(bad.key)
    place.reach_gone(bad.key)
    assert answers(place, gateway)


def test_a_port_that_somebody_else_has_is_told_with_envoys_words_and_heals(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway()
    with socket.socket() as other:
        # Between a start and the next, as far as anybody knows
        taken = free_port()
        other.bind(("127.0.0.1", taken))
        other.listen()
        monkeypatch.setattr(place.engine, "port", taken)
        place._in_loop(place.engine._open_door)
        place.apply(*gateway.bundles())
        message = place.reach(gateway.routes(), Phase.FAILED).message
        assert "No call can come in. Envoy says:" in message
        assert "Address already in use" in message
        assert "Address already in use" in place.engine.facts()["problem"]
    monkeypatch.setattr(place.engine._routes, "_door", ("127.0.0.1", taken))
    place.reach(gateway.routes())
    assert call(taken, gateway.host)[0] == 404
    assert "problem" not in place.engine.facts()


def test_envoy_that_is_away_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envoys, "envoy_program", lambda: Path("/nowhere/envoy"))
    os.kill(place.envoy(), signal.SIGKILL)
    wait_until(lambda: "Envoy isn't running" in place.engine.facts().get("problem", ""), what="a word about it")
    monkeypatch.undo()
    wait_until(lambda: "problem" not in place.engine.facts(), what="Envoy again")


def test_envoys_own_problems_lead_to_the_portals_pages(tmp_path: Path) -> None:
    pages = "https://console.example/errors%20100%/"
    gateway = Gateway()
    place = Place(tmp_path)
    try:
        wait_until(lambda: opens(place.port), what="Envoy")
        assert call(place.port, "elsewhere.localhost")[1]["type"] == "/errors/no-such-host"
        runtime = gateway.runtime(problem_types=pages)
        place.apply(gateway.namespace(), gateway.configuration(), runtime, gateway.routes())
        place.reach(runtime)
        place.reach(gateway.routes())
        wait_until(lambda: call(place.port, "elsewhere.localhost")[1]["type"] == f"{pages}no-such-host", what="it")
    finally:
        place.stop()
    # From the first call on
    place = Place(tmp_path, bundles=(gateway.namespace(), gateway.configuration(), runtime))
    try:
        wait_until(lambda: opens(place.port), what="Envoy")
        assert call(place.port, "elsewhere.localhost")[1]["type"] == f"{pages}no-such-host"
    finally:
        place.stop()


def opens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


def test_envoy_that_dies_or_hangs_is_back_with_all_that_it_had(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    runtime = place.pid(gateway)
    for number in (signal.SIGKILL, signal.SIGSTOP):
        before = place.envoy()
        os.kill(before, number)
        wait_until(lambda before=before: place.engine.proxy.pid not in (None, before), within=20, what="another Envoy")
        wait_until(lambda: answers(place, gateway), within=10, what="an answer")
    assert place.pid(gateway) == runtime


def test_the_access_log_stays_small_and_holds_no_call_of_the_engine(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = place.engine.access_log
    monkeypatch.setattr(log, "_most_bytes", 20_000)
    gateway = Gateway()
    place.bring_up(gateway)
    with Load(place.port, gateway.host) as load:
        wait_until(lambda: log.file.with_name("access.log.3").exists(), within=30, what="three older ones")
        time.sleep(2.5)
    load.require_none_failed()
    files = sorted(each.name for each in log.file.parent.glob("access.log*"))
    assert files == ["access.log", "access.log.1", "access.log.2", "access.log.3"]
    assert access_log.KEPT == 3
    wait_until(lambda: log.file.read_text(), what="new lines in the new file")
    assert not any("/_imp/reached" in each.read_text() for each in log.file.parent.glob("access.log*"))


def test_a_host_is_known_whatever_its_case_and_port(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    for host in (gateway.host.upper(), f"{gateway.host}:{place.port}"):
        assert call(place.port, host)[1]["gateway"] == "parcels"


def test_a_call_that_is_under_way_ends_before_the_engine_does(tmp_path: Path) -> None:
    place = Place(tmp_path)
    gateway = Gateway()
    place.bring_up(gateway)
    with socket.create_connection(("127.0.0.1", place.port)) as slow:
        slow.sendall(f"POST /x HTTP/1.1\r\nHost: {gateway.host}\r\nContent-Length: 4\r\n\r\nab".encode())
        time.sleep(0.2)
        began = time.monotonic()
        place.stop()
        # It never sends the rest: nobody waits for it for long
        assert time.monotonic() - began < 5
