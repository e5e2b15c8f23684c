"""Packages and wishes that mean harm: each is refused with its reason or harms nothing, and nobody waits for it."""

import io
import json
import signal
import socket
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from apps.core.errors import InvalidInput
from apps.functions.dependencies import installing
from apps.functions.dependencies.contents import packages_in
from apps.functions.dependencies.declarations import declarations_of
from apps.functions.dependencies.refusing import Refused
from apps.functions.dependencies.resolving import Resolved, resolve
from apps.functions.dependencies.wanted import LONGEST_VERSION, checked_wanted
from tests.dependencies.registry import Registry

ESM = {"type": "module", "exports": "./index.js"}
CODE = "export const x = 1"
SECRET = "of-the-platform"


@contextmanager
def soon_over() -> Iterator[None]:
    """What would take for ever fails instead."""

    def over(number: int, frame: FrameType | None) -> None:
        raise AssertionError("It doesn't end.")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, 40)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(wanted: Mapping[str, str]) -> Resolved | Refused:
    try:
        return resolve(wanted)
    except Refused as refused:
        return refused


# --- Wishes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", ["-1", " 1", "||1", " - 1", ".1", "v1", ">", " >1", "1 ", "x"])
def test_no_version_takes_long_to_be_refused(piece: str) -> None:
    """Each more of a piece would double the time of whoever reads a part of it in two ways."""
    for end in ("!", " !", "-", " |"):
        text = ("1" + piece * LONGEST_VERSION)[: LONGEST_VERSION - len(end)] + end
        with soon_over():
            try:
                checked_wanted({"zod": text})
            except InvalidInput:
                continue


def test_blanks_in_a_range_are_one() -> None:
    assert checked_wanted({"zod": " >=3 \t <4 "}) == {"zod": ">=3 <4"}


# --- Packages --------------------------------------------------------------------------------------


def test_no_file_of_a_package_lands_outside_of_its_folder(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path.joinpath(*(f"level-{number}" for number in range(6)))
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    climbing = {f"{'../' * up}escaped-{up}.js": CODE for up in range(1, 13)}
    for name, files in {"climber": climbing, "rooted": {f"/..{tmp_path}/escaped.js": CODE}}.items():
        registry.add(name, {"index.js": CODE, **files}, **ESM)
        outcome({name: "1"})
    assert list(tmp_path.rglob("escaped*")) == []
    # Unpacked by somebody who trusts it, it does
    with tarfile.open(fileobj=io.BytesIO(registry.tarball_of("climber"))) as archive:
        archive.extractall(deep / "unpacked", filter="fully_trusted")
    assert list(tmp_path.rglob("escaped*"))


def test_no_link_of_a_package_brings_a_file_of_this_machine_along(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "key.js").write_text(f"export const key = '{SECRET}'")
    (tmp_path / "key.d.ts").write_text(f"export const key: '{SECRET}'")
    links = {"key.js": str(tmp_path / "key.js"), "key.d.ts": str(tmp_path / "key.d.ts"), "all": str(tmp_path)}
    files = {"index.js": "export * from './key.js'; export * from './all/key.js'", "plain.js": CODE}
    registry.add("linked", files, links=links, type="module", types="key.d.ts", main="plain.js")
    found = outcome({"linked": "1"})
    assert SECRET not in repr(found)


def test_links_of_a_package_whatever_made_them_are_not_read(registry: Registry, tmp_path: Path) -> None:
    """Should the installer make them one day."""
    (tmp_path / "key.d.ts").write_text(f"export const key: '{SECRET}'")
    registry.add("linked", {"index.js": CODE, "index.d.ts": "export * from './key'"}, types="index.d.ts", **ESM)
    with installing.installed({"linked": "1.0.0"}) as found:
        (found.folder_of("linked") / "key.d.ts").symlink_to(tmp_path / "key.d.ts")
        types, _typed = declarations_of(found, packages_in(found))
    assert "linked/index.d.ts" in types
    assert SECRET not in repr(types)


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """Where nobody may come."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)
        yield listening


@pytest.mark.parametrize(
    "version",
    [
        "http://127.0.0.1:{port}/x.tgz",
        "git+http://127.0.0.1:{port}/x.git",
        "git://127.0.0.1:{port}/x.git",
        "git+ssh://git@127.0.0.1:{port}/x.git",
        "file:{folder}",
        "link:{folder}",
        "portal:{folder}",
        "workspace:*",
        "../../x",
    ],
)
def test_what_a_package_needs_comes_from_the_registry_alone(
    registry: Registry, elsewhere: socket.socket, tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "WITHIN", 15.0)
    (tmp_path / "package.json").write_text(json.dumps({"name": "inner", "version": "1.0.0", "main": "index.js"}))
    (tmp_path / "index.js").write_text(f"module.exports = '{SECRET}'")
    needs = version.format(port=elsewhere.getsockname()[1], folder=tmp_path)
    registry.add("outer", {"index.js": "export * from 'inner'"}, dependencies={"inner": needs}, **ESM)
    found = outcome({"outer": "1"})
    assert isinstance(found, Refused)
    assert SECRET not in repr(found)
    with pytest.raises(TimeoutError):
        elsewhere.accept()


@pytest.mark.parametrize(
    "said",
    [
        '"9.9.9"',
        '"file:/"',
        '"npm:other@1"',
        '"git+http://127.0.0.1:9/x.git"',
        '"1.0.0\\u0000"',
        '"' + "1" * 100_000 + '"',
        "5",
        "null",
    ],
)
def test_a_packages_own_word_for_its_version_counts_for_nothing(registry: Registry, said: str) -> None:
    told = f'{{"name": "liar", "type": "module", "exports": "./index.js", "version": {said}}}'
    registry.add("liar", {"index.js": CODE, "package.json": told}, **ESM)
    registry.add("other", {"index.js": CODE}, **ESM)
    for wanted in ("^1", "1.0.0"):
        found = resolve({"liar": wanted})
        assert found.wanted == {"liar": "1.0.0"}
        [package] = found.packages
        assert (package["name"], package["version"], package["is_direct"]) == ("liar", "1.0.0", True)


def test_declarations_that_take_long_to_read_are_read(registry: Registry) -> None:
    text = f"export * from{' ' * 400_000}\nexport * from ('./more');"
    registry.add("blank", {"index.js": CODE, "index.d.ts": text, "more.d.ts": CODE}, types="index.d.ts", **ESM)
    with soon_over():
        assert "blank/more.d.ts" in resolve({"blank": "1"}).types


def test_what_no_database_keeps_is_none_of_a_lock(registry: Registry) -> None:
    files: dict[str, Any] = {"index.js": CODE, "index.d.ts": "export const x: 'a\0b';"}
    registry.add("nul", files, types="index.d.ts", **{**ESM, "license": "M\0IT"})
    found = resolve({"nul": "1"})
    assert found.types["nul/index.d.ts"] == "export const x: 'a\ufffdb';"
    assert found.packages[0]["license"] == "M\ufffdIT"
    registry.add("raw", {"index.js": "export const x = String.raw`a\0b`"}, **ESM)
    refused = outcome({"raw": "1"})
    assert isinstance(refused, Refused)
    assert refused.package == "raw"


@pytest.mark.parametrize(("begin", "end"), [('{"import":', "}"), ("[", "]")])
def test_exports_that_nest_without_end_say_nothing(registry: Registry, begin: str, end: str) -> None:
    nested = begin * 990 + '"./index.js"' + end * 990
    told = f'{{"name": "nest", "version": "1.0.0", "type": "module", "exports": {nested}}}'
    registry.add("nest", {"index.js": CODE, "index.d.ts": CODE, "package.json": told})
    found = outcome({"nest": "1"})
    assert found.package == "nest" if isinstance(found, Refused) else found.packages[0]["exports"] == ["nest"]
