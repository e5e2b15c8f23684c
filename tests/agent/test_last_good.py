"""Routes that Envoy took go on where newer ones are refused: after a start of the agent, and of Envoy, too."""

import os
import signal
from pathlib import Path
from typing import Any

import orjson
import pytest

from agent.appliers.base import Phase, Wanted
from tests.agent.place import Gateway, Place, call, manifest, wanted
from tests.agent.test_front import BAD, REASON, answers
from tests.fleet.processes import wait_until

KEPT = "engine/routes/parcels.routes.json"


def unreadable(gateway: Gateway) -> Wanted:
    """Of a kind that this engine's reader of JSON stumbles over, before Envoy sees any of it."""
    [content] = orjson.loads(gateway.routes().manifests)
    content["spec"]["resources"][0]["resource"]["virtual_host"] = []
    return wanted(gateway.routes().key, [content])


def kept(folder: Path) -> Any:
    file = folder / KEPT
    return orjson.loads(file.read_bytes()) if file.exists() else None


def bring_up(folder: Path, gateway: Gateway) -> None:
    place = Place(folder)
    try:
        place.bring_up(gateway)
        wait_until(lambda: kept(folder), what="its routes on the disk")
    finally:
        place.stop()


@pytest.mark.parametrize("kind", ["refused by Envoy", "unreadable"])
def test_refused_routes_leave_those_before_in_place_after_a_start(tmp_path: Path, kind: str) -> None:
    gateway = Gateway()
    bring_up(tmp_path, gateway)
    bad, reason = (gateway.routes(**BAD), REASON) if kind == "refused by Envoy" else (unreadable(gateway), "virtual_h")
    for _ in range(2):
        place = Place(tmp_path, bundles=(*gateway.bundles()[:3], bad))
        try:
            assert reason in place.reach(bad, Phase.FAILED).message
            place.reach(gateway.runtime())
            wait_until(lambda place=place: answers(place, gateway), what="an answer by the routes before")
            os.kill(place.envoy(), signal.SIGKILL)
            wait_until(lambda place=place: answers(place, gateway), what="an answer through another Envoy")
        finally:
            place.stop()
    assert "request_headers_to_add" not in str(kept(tmp_path))


def test_a_hosts_new_owner_has_it_whatever_its_old_one_had_before(tmp_path: Path) -> None:
    """What is refused takes nothing from others, and neither does what was good before it."""
    first, second = Gateway("parcels"), Gateway("letters")
    place = Place(tmp_path)
    try:
        place.bring_up(first, second)
        wait_until(lambda: kept(tmp_path), what="its routes on the disk")
    finally:
        place.stop()
    now = second.routes(hosts=(first.host, second.host))
    bad = first.routes(hosts=("elsewhere.dev.localhost",), **BAD)
    place = Place(tmp_path, bundles=(*first.bundles()[:3], *second.bundles()[:3], bad, now))
    try:
        place.reach(now)
        place.reach(bad, Phase.FAILED)
        assert call(place.port, first.host)[1]["gateway"] == "letters"
    finally:
        place.stop()


def test_what_is_taken_away_is_forgotten(place: Place) -> None:
    gateway = Gateway()
    place.bring_up(gateway)
    wait_until(lambda: kept(place.folder), what="its routes on the disk")
    place.remove(gateway.routes().key)
    place.reach_gone(gateway.routes().key)
    assert kept(place.folder) is None


def test_what_cannot_be_read_or_belongs_to_nobody_harms_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "engine" / "routes"
    folder.mkdir(parents=True)
    (folder / "parcels.routes.json").write_bytes(bytes(range(256)))
    (folder / "letters.routes.json").write_text("[]")
    (folder / "parcels.routes.unfinished").write_text("half of")
    gateway = Gateway()
    place = Place(tmp_path, bundles=tuple(gateway.bundles()))
    try:
        place.reach(gateway.routes())
        wait_until(lambda: [each.name for each in folder.iterdir()] == ["parcels.routes.json"], what="one file")
        wait_until(lambda: (folder / "parcels.routes.json").read_bytes().startswith(b"["), what="its routes")
    finally:
        place.stop()


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        folder = tmp_path / "engine" / "routes"
        folder.rmdir()
        folder.write_text("in the way")
        place.bring_up(Gateway())
        folder.unlink()
    finally:
        place.stop()


def test_a_gateway_without_processes_keeps_its_routes_too(tmp_path: Path) -> None:
    """They're Envoy's own answers then."""
    answer = {"status": 503, "body": {"inline_string": '{"type": "/errors/stage-inactive"}'}}
    host = "parcels.dev.localhost"
    table = {
        "name": "parcels",
        "virtual_hosts": [
            {"name": "dev", "domains": [host], "routes": [{"match": {"prefix": "/"}, "direct_response": answer}]}
        ],
    }
    scope = {"name": host, "route_configuration_name": "parcels", "key": {"fragments": [{"string_key": host}]}}
    kind = "type.googleapis.com/envoy.config.route.v3."
    resources = [
        {"type_url": f"{kind}RouteConfiguration", "name": "parcels", "resource": table},
        {"type_url": f"{kind}ScopedRouteConfiguration", "name": host, "resource": scope},
    ]
    good = wanted("gateway/parcels/routes", [manifest("Routes", "parcels", "routes", 3, {"resources": resources})])
    space = Gateway().namespace()
    place = Place(tmp_path, bundles=(space, good))
    try:
        place.reach(good)
        wait_until(lambda: kept(tmp_path), what="its routes on the disk")
    finally:
        place.stop()
    bad = Gateway().routes(**BAD)
    place = Place(tmp_path, bundles=(space, bad))
    try:
        place.reach(bad, Phase.FAILED)
        wait_until(lambda: call(place.port, host)[0] == 503, what="the answer before")
    finally:
        place.stop()
