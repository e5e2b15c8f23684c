"""What a function can do to the machine, to what runs it, and to the others of its stage: nothing."""

from pathlib import Path
from typing import Any

import pytest

from tests.escape.conftest import MakeHouse
from tests.escape.probes import IMPORTS, MACHINE, SPY, UNTOUCHED, VICTIM, probe
from tests.escape.unclosed import call_unclosed
from tests.runtime.test_sandbox import neighbours

pytestmark = pytest.mark.django_db
WORD = "s3cret-of-the-caller"


def asked(given: dict[str, Any]) -> dict[str, Any]:
    """What attempts need to know of the machine."""
    http = f"http://127.0.0.1:{given['port']}/module.js"
    return {**given, "http": http, "module": f"file://{given['module']}"}


@pytest.fixture(params=["machine", "imports"])
def attempts(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"machine": MACHINE, "imports": IMPORTS}[request.param]


def test_nothing_gets_out_of_an_isolate(make_house: MakeHouse, tmp_path: Path, attempts: dict[str, str]) -> None:
    house = make_house()
    house.deploy({"dev/escape": probe(attempts)}, timeout_ms=30_000)
    with neighbours(tmp_path) as given:
        status, found = house.post("dev/escape", asked(given))
    assert (status, found.keys()) == (200, attempts.keys())
    assert {name: said for name, said in found.items() if said == "through"} == {}
    assert not (tmp_path / "written").exists()
    # It's the same process that answers afterwards, and it's well
    assert house.post("dev/escape", {})[0] == 200


def test_each_attempt_gets_through_where_nothing_is_closed(tmp_path: Path, attempts: dict[str, str]) -> None:
    """Or what the other test sees would be an attempt that can't succeed."""
    with neighbours(tmp_path) as given:
        [found] = call_unclosed({"escape": probe(attempts)}, [{"name": "escape", "body": asked(given)}], tmp_path)
    assert {name: said for name, said in found.items() if said != "through"} == {}


def test_code_that_no_compiler_saw_has_no_modules_either(make_house: MakeHouse, tmp_path: Path) -> None:
    """As if somebody had written into the database: import() as it stands."""
    house = make_house()
    names = ["node:fs", "fs", "node:vm", "node:process", "node:worker_threads", "npm:is-odd", "jsr:@std/path"]
    with neighbours(tmp_path) as given:
        names += [asked(given)["http"], asked(given)["module"], "data:text/javascript,export * from 'node:fs'"]
        code = (
            "exports.default = async (req, res) => { const found = {};"
            f" for (const name of {names!r}) try {{ await import(name); found[name] = 'through'; }}"
            " catch (error) { found[name] = String(error); } res.json(found); };"
        )
        house.publish("dev/raw", code)
        status, found = house.call("dev/raw")
    assert (status, found.keys()) == (200, set(names))
    assert "through" not in found.values(), found


def test_no_function_changes_what_another_sees(make_house: MakeHouse) -> None:
    house = make_house()
    house.deploy({"dev/spy": SPY, "dev/victim": VICTIM})
    tried = house.call("dev/spy")[1]
    status, seen = house.post("dev/victim", {"word": WORD})
    assert (status, seen) == (200, {"word": WORD, **UNTOUCHED}), tried
    assert house.call("dev/spy?ask=seen")[1] == {"seen": 0, "last": False}, tried


def test_where_nothing_is_frozen_one_function_changes_and_reads_another(tmp_path: Path) -> None:
    calls: list[dict[str, Any]] = [
        {"name": "spy"},
        {"name": "victim", "body": {"word": WORD}},
        {"name": "spy", "query": {"ask": "seen"}},
    ]
    _, seen, spied = call_unclosed({"spy": SPY, "victim": VICTIM}, calls, tmp_path)
    assert (seen["polluted"], seen["reached"], seen["random"]) == ("yes", "yes", False)
    assert spied["seen"] > 0
