"""`<case>.in.json` is a table of routes, `<case>.out.json` what becomes of it: Envoy's resources, or all its errors.

`python -m pytest -n0 tests/dataplane --update-golden` writes what is rendered now and removes what belongs to nothing.
Read the difference before you commit it.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.engine.envoys import envoy_program
from apps.dataplane.drivers import envoy
from apps.dataplane.ir import InvalidRoutes
from tests.dataplane.bootstrap import with_routes
from tests.dataplane.tables import table_of

FOLDER = Path(__file__).with_name("goldens")
CASES = sorted(path.name.removesuffix(".in.json") for path in FOLDER.glob("*.in.json"))


def rendered(case: str) -> dict[str, Any]:
    content = json.loads((FOLDER / f"{case}.in.json").read_text())
    options = content.pop("options", {})
    try:
        return {"resources": envoy.render_routes(table_of(content), **options)}
    except InvalidRoutes as error:
        return {"errors": [str(each) for each in error.found]}


def test_no_golden_belongs_to_nothing(request: pytest.FixtureRequest) -> None:
    orphans = [path for path in FOLDER.glob("*.out.json") if path.name.removesuffix(".out.json") not in CASES]
    if request.config.getoption("update_golden"):
        for path in orphans:
            path.unlink()
        orphans = []
    assert orphans == []
    assert CASES


@pytest.mark.parametrize("case", CASES)
def test_it_becomes_what_it_did(case: str, request: pytest.FixtureRequest) -> None:
    now = json.dumps(rendered(case), indent=2, ensure_ascii=False) + "\n"
    golden = FOLDER / f"{case}.out.json"
    if request.config.getoption("update_golden"):
        golden.write_text(now)
    # Byte by byte: the order counts too
    assert now == golden.read_text()


@pytest.mark.parametrize("case", [case for case in CASES if "resources" in rendered(case)])
def test_envoy_takes_it(case: str, tmp_path: Path) -> None:
    bootstrap = tmp_path / "bootstrap.json"
    bootstrap.write_text(json.dumps(with_routes(rendered(case)["resources"])))
    done = validated(bootstrap)
    assert done.returncode == 0, done.stderr


def test_envoy_does_not_take_everything(tmp_path: Path) -> None:
    """Or the test above would say nothing."""
    resources = rendered("three-stages")["resources"]
    virtual_hosts = resources[0]["resource"]["virtual_hosts"]
    virtual_hosts[1]["domains"] = virtual_hosts[0]["domains"]
    bootstrap = tmp_path / "bootstrap.json"
    bootstrap.write_text(json.dumps(with_routes(resources)))
    done = validated(bootstrap)
    assert done.returncode != 0
    assert "unique values for domains" in done.stderr


def validated(bootstrap: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [envoy_program(), "--mode", "validate", "-c", str(bootstrap), "--log-level", "error"],
        capture_output=True, text=True, cwd=bootstrap.parent,
    )  # fmt: skip
