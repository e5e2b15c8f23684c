"""From names to a lock: fetched by Deno from a registry over HTTP, bundled by esbuild, evaluated as a runtime does."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from apps.core.errors import InvalidInput
from apps.functions.dependencies import bundling, contents, installing
from apps.functions.dependencies.refusing import Refused
from apps.functions.dependencies.resolving import resolve
from apps.functions.dependencies.wanted import MOST_PACKAGES, checked_wanted, split_wish
from tests.dependencies.registry import Registry
from tests.dependencies.running import run_bundle

ESM = {"type": "module", "exports": "./index.js"}


def refusal(wanted: dict[str, str], **more: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        resolve(wanted, **more)
    return refused.value


# --- Real packages ---------------------------------------------------------------------------------


def test_real_packages_are_pinned_locked_bundled_and_typed(real_registry: None, tmp_path: Path) -> None:
    found = resolve({"zod": "^3.23.0 <3.24.0", "date-fns": "3.6.0", "@hapi/topo": "6"})
    assert found.wanted["date-fns"] == "3.6.0"
    assert found.wanted["zod"].startswith("3.23.")
    by_name = {each["name"]: each for each in found.packages}
    assert by_name["@hapi/hoek"]["needed_by"] == [f"@hapi/topo@{found.wanted['@hapi/topo']}"]
    assert not by_name["@hapi/hoek"]["is_direct"]
    assert by_name["zod"]["is_direct"]
    assert {each["integrity"][:7] for each in found.packages} == {"sha512-"}
    assert (by_name["zod"]["license"], by_name["zod"]["has_types"]) == ("MIT", True)
    assert by_name["zod"]["size"] > 100_000
    assert "zod/index.d.ts" in found.types
    assert "zod/package.json" in found.types
    lock = json.loads(found.lock_text)
    assert lock["npm"][f"zod@{found.wanted['zod']}"]["integrity"] == by_name["zod"]["integrity"]
    expression = """[
      take("zod").z.object({ parcel: take("zod").z.string() }).safeParse({ parcel: 1 }).success,
      take("zod").default.number().parse(7),
      take("date-fns").formatISO(new Date("2026-11-22T00:00:00Z"), { representation: "date" }).length,
      take("date-fns/addDays").addDays(new Date(0), 1).getTime(),
      typeof take("@hapi/topo").Sorter,
    ]"""
    assert run_bundle(found.bundle, expression, tmp_path) == [False, 7, 10, 86_400_000, "function"]


def test_a_real_one_that_needs_node_is_refused_by_its_name(real_registry: None) -> None:
    refused = refusal({"express": "4"})
    assert refused.package == "express"
    assert "of Node, which functions run without" in str(refused)


def test_a_real_one_that_isnt_there(real_registry: None) -> None:
    assert str(refusal({"zod": "^999"})) == "zod has no version that fits ^999. Choose another one."
    assert refusal({"no-such-package-of-anybody-at-all": "1"}).package == "no-such-package-of-anybody-at-all"


# --- What no real registry should have -------------------------------------------------------------


def test_no_script_of_a_package_runs(registry: Registry, tmp_path: Path) -> None:
    trace = tmp_path / "it-ran"
    script = f"touch {trace}"
    registry.add(
        "sly", {"index.js": "export const x = 1"}, **ESM, scripts={"preinstall": script, "postinstall": script}
    )
    assert resolve({"sly": "1"}).wanted == {"sly": "1.0.0"}
    assert not trace.exists()
    # Run by anybody, it leaves one
    assert os.system(script) == 0
    assert trace.exists()


def test_nothing_of_a_package_is_evaluated_here(registry: Registry) -> None:
    registry.add("loud", {"index.js": "throw new Error('I was run')"}, **ESM)
    assert "I was run" in resolve({"loud": "1"}).bundle


def test_what_differs_from_its_hash_is_refused(registry: Registry) -> None:
    wrong = "sha512-" + "A" * 86 + "=="
    registry.add("forged", {"index.js": "export const x = 1"}, integrity=wrong, **ESM)
    refused = refusal({"forged": "1"})
    assert "forged" in str(refused)
    registry.add("forged", {"index.js": "export const x = 1"}, version="1.0.1", **ESM)
    assert resolve({"forged": "1.0.1"}).wanted == {"forged": "1.0.1"}


def test_a_lock_holds_what_it_had_when_something_is_added(registry: Registry) -> None:
    registry.add("inner", {"index.js": "export const n = 1"}, version="1.0.0", **ESM)
    registry.add("outer", {"index.js": "export * from 'inner'"}, dependencies={"inner": "^1"}, **ESM)
    first = resolve({"outer": "1.0.0"})
    registry.add("inner", {"index.js": "export const n = 2"}, version="1.1.0", **ESM)
    registry.add("other", {"index.js": "export const m = 3"}, **ESM)
    versions = lambda found: {each["name"]: each["version"] for each in found.packages}  # noqa: E731
    more = resolve({"outer": "1.0.0", "other": "1"}, lock_text=first.lock_text)
    assert versions(more) == {"outer": "1.0.0", "other": "1.0.0", "inner": "1.0.0"}
    assert versions(resolve({"outer": "1.0.0"}))["inner"] == "1.1.0"


def test_the_same_set_has_the_same_digest_and_another_another(registry: Registry) -> None:
    registry.add("one", {"index.js": "export const x = 1"}, **ESM)
    registry.add("one", {"index.js": "export const x = 2"}, version="1.1.0", **ESM)
    assert resolve({"one": "1.0.0"}).digest == resolve({"one": "<1.1"}).digest
    assert resolve({"one": "1.0.0"}).digest != resolve({"one": "1.1.0"}).digest


def test_paths_that_a_package_exports_are_in_the_bundle_and_others_are_not(registry: Registry, tmp_path: Path) -> None:
    exports = {
        ".": {"types": "./index.d.ts", "node": "./node.js", "import": "./index.js"},
        "./part": "./lib/part.js",
        "./features/*": "./lib/features/*.js",
        "./features/hidden/*": None,
        "./server": {"node": "./node.js"},
    }
    files = {
        "index.js": "export default 'default'; export const named = 'named'",
        "index.d.ts": "export { Part } from './lib/part.js'; declare const d: string; export default d;",
        "lib/part.js": "export const part = 1",
        "lib/part.d.ts": "export interface Part { n: number }",
        "lib/unused.d.ts": "export type Unused = never",
        "lib/features/a.js": "export const a = 'a'",
        "lib/features/hidden/b.js": "export const b = 'b'",
        "node.js": "import 'node:fs'",
    }
    registry.add("rich", files, type="module", exports=exports)
    found = resolve({"rich": "1"})
    assert found.packages[0]["exports"] == ["rich", "rich/features/a", "rich/part"]
    assert sorted(found.types) == ["rich/index.d.ts", "rich/lib/part.d.ts", "rich/package.json"]
    expression = """[take("rich").default, take("rich").named, take("rich/part").part, take("rich/features/a").a,
      take("rich") === take("rich"), (() => { try { take("rich/server") } catch (e) { return e.message } })()]"""
    assert run_bundle(found.bundle, expression, tmp_path) == [
        "default", "named", 1, "a", True, "rich/server is no dependency of this gateway, or exports no such path.",
    ]  # fmt: skip


def test_commonjs_packages_are_imported_as_they_are(registry: Registry, tmp_path: Path) -> None:
    files = {
        "index.js": "module.exports = function add(a, b) { return a + b }; module.exports.named = 'n'",
        "extra.js": "exports.deep = require('./index.js')(1, 2)",
        # As many leave it lying about; it isn't there, so it can't be bundled
        "tasks.js": "require('never-installed')",
    }
    registry.add("old", files, main="index.js")
    found = resolve({"old": "1"})
    # One path of it can't be bundled, so none below it is offered
    assert found.packages[0]["exports"] == ["old"]
    expression = "[take('old').default(2, 3), take('old').named]"
    assert run_bundle(found.bundle, expression, tmp_path) == [5, "n"]
    registry.add("old", {name: files[name] for name in ("index.js", "extra.js")}, version="1.0.1", main="index.js")
    found = resolve({"old": "1.0.1"})
    assert run_bundle(found.bundle, "take('old/extra').deep", tmp_path) == 3


def test_what_is_for_the_web_is_chosen_over_what_is_for_node(registry: Registry, tmp_path: Path) -> None:
    files = {"node.js": "import 'node:fs'", "web.js": "export const where = 'web'"}
    registry.add("both", files, type="module", exports={".": {"browser": "./web.js", "default": "./node.js"}})
    assert run_bundle(resolve({"both": "1"}).bundle, "take('both').where", tmp_path) == "web"


def test_one_that_needs_node_deep_within_is_named_with_the_one_that_brought_it(registry: Registry) -> None:
    registry.add("deep", {"index.js": "import fs from 'fs'; export default fs"}, **ESM)
    registry.add("shallow", {"index.js": "export * from 'deep'"}, dependencies={"deep": "1"}, **ESM)
    registry.add("good", {"index.js": "export const x = 1"}, **ESM)
    refused = refusal({"good": "1", "shallow": "1"})
    assert (refused.package, str(refused).partition(",")[0]) == ("shallow", "deep needs fs of Node")


def test_one_without_code_and_one_of_types_alone(registry: Registry) -> None:
    registry.add("empty", {"readme.md": "nothing"}, main="gone.js")
    assert str(refusal({"empty": "1"})) == "empty has nothing that can be imported. Choose another package."
    registry.add("@types/thing", {"index.d.ts": "export type Thing = string"}, types="index.d.ts")
    found = resolve({"@types/thing": "1"})
    assert found.types["@types/thing/index.d.ts"]
    assert found.bundle == ""


def test_a_broken_source_is_refused_by_its_package(registry: Registry) -> None:
    registry.add("broken", {"index.js": "export const = 1"}, **ESM)
    refused = refusal({"broken": "1"})
    assert refused.package == "broken"
    assert str(refused).startswith("broken can't be bundled")


@pytest.mark.parametrize("how", ["{}", "/..{}", "../../../../../../../../../../../..{}"])
def test_no_package_brings_a_file_of_this_machine_along(registry: Registry, tmp_path: Path, how: str) -> None:
    """Whose text a function could read then."""
    (tmp_path / "keys.json").write_text('{"key": "of-the-platform"}')
    path = how.format(tmp_path / "keys.json")
    registry.add("greedy", {"index.js": f"module.exports = require({json.dumps(path)});"}, main="index.js")
    assert refusal({"greedy": "1.0.0"}).package == "greedy"


def test_limits_end_what_is_too_much(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.add("leaf", {"index.js": f"export const text = '{'x' * 4_000_000}'"}, **ESM)
    registry.add("tree", {"index.js": "export * from 'leaf'"}, dependencies={"leaf": "1"}, **ESM)
    with monkeypatch.context() as patched:
        patched.setattr(contents, "MOST_BROUGHT", 1)
        assert "bring 2 packages, and may bring 1" in str(refusal({"tree": "1"}))
    with monkeypatch.context() as patched:
        patched.setattr(bundling, "LARGEST", 1_000_000)
        assert "3.8 MB" in str(refusal({"tree": "1"}))
    monkeypatch.setattr(installing, "MOST_MEGABYTES", 3)
    assert "more than 3 MB" in str(refusal({"tree": "1"}))


def test_a_registry_that_says_nothing_keeps_nobody_waiting(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.is_silent.set()
    monkeypatch.setattr(installing, "WITHIN", 2.0)
    assert "within 2 seconds" in str(refusal({"slow": "1"}))


def test_all_tries_to_bundle_share_their_time(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.add("broken", {"index.js": "import 'gone'"}, **ESM)
    registry.add("fine", {"index.js": "export const x = 1"}, **ESM)
    build, ends = bundling._build, []

    def built(folder: Path, give_up_at: float) -> dict[str, Any]:
        ends.append(give_up_at)
        return build(folder, give_up_at)

    monkeypatch.setattr(bundling, "_build", built)
    assert refusal({"broken": "1", "fine": "1"}).package == "broken"
    assert (len(ends) > 1, len(set(ends))) == (True, 1)
    monkeypatch.setattr(bundling, "WITHIN", 0)
    assert "within 0 seconds" in str(refusal({"fine": "1"}))


def test_a_registry_that_isnt_there_is_said_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9/")
    assert "registry of npm packages can't be reached" in str(refusal({"zod": "3"}))


def test_the_installer_sees_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "ours")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    passed = installing._environment(tmp_path)
    assert "SECRET_KEY" not in passed
    assert "DATABASE_URL" not in passed
    assert passed["HTTPS_PROXY"] == "http://proxy.example"


# --- What can be asked for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("zod", ""),
        ("zod", "3.23.8"),
        ("zod", "^3.23"),
        ("@hapi/hoek", ">=11.0.0 <12"),
        ("react", "17 || 18"),
        ("react", "1.2.3 - 2.3.4"),
        ("x", "*"),
        ("x", "next"),
        ("x", "1.0.0-beta.1"),
    ],
)
def test_versions_and_ranges_are_taken(name: str, version: str) -> None:
    assert checked_wanted({name: version}) == {name: version or "latest"}


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("Zod", "1"),
        ("../zod", "1"),
        ("zod/v4", "1"),
        ("", "1"),
        ("x" * 215, "1"),
        ("zod", "file:../.."),
        ("zod", "npm:other@1"),
        ("zod", "git+https://example.com/x.git"),
        ("zod", "https://example.com/x.tgz"),
        ("zod", "user/repo"),
        ("zod", "workspace:*"),
        ("zod", '1", "x": "'),
        ("zod", 1),
        ("zod", "1" * 65),
    ],
)
def test_everything_else_is_refused_at_its_name(name: str, version: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_wanted({name: version})
    assert next(iter(refused.value.fields)).startswith("wanted/")


def test_too_many_are_refused() -> None:
    with pytest.raises(InvalidInput):
        checked_wanted({f"x{number}": "1" for number in range(MOST_PACKAGES + 1)})


def test_a_wish_is_split_at_its_version() -> None:
    assert split_wish(" zod@^3 ") == ("zod", "^3")
    assert split_wish("@hapi/hoek") == ("@hapi/hoek", "")
    assert split_wish("@hapi/hoek@11") == ("@hapi/hoek", "11")
