"""What the build makes and how it is served."""

import json
import re
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from pytest_django.fixtures import Settings
from whitenoise.middleware import WhiteNoiseMiddleware

from apps.core.assets import Assets, assets
from tools import assets as building
from tools.assets import FRONT_END, MONACO, RUNTIME, Bundle

ROOT: Path = settings.BASE_DIR


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"files": {"imp.css": "imp-AAAAAAAA.css"}}))
    return path


def test_every_entry_has_a_hashed_name_that_exists() -> None:
    names = {
        Path(entry).with_suffix(".js" if entry.endswith(".ts") else Path(entry).suffix).name
        for entry in (*FRONT_END.entries, *MONACO.entries)
    }
    assert set(assets.files()) == {*names, "monaco.css"}
    for name, built in assets.files().items():
        assert re.fullmatch(rf"{Path(name).stem}-[A-Z0-9]{{8}}{Path(name).suffix}", built)
        [found] = [folder / built for folder in settings.STATICFILES_DIRS if (folder / built).exists()]
        assert found.stat().st_size > 0
    assert not assets.missing()


def test_nothing_is_built_twice() -> None:
    before = [manifest.stat().st_mtime_ns for manifest in settings.ASSET_MANIFESTS]
    done = subprocess.run([sys.executable, "tools/assets.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "up to date" in done.stdout
    assert [manifest.stat().st_mtime_ns for manifest in settings.ASSET_MANIFESTS] == before


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """Another program in a folder of its own, made as the runtime is."""
    for name in ("deno.json", "deno.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    source = tmp_path / "runtime" / "src"
    (source / "worker").mkdir(parents=True)
    (source / "main.ts").write_text("const answer: number = 42;\nconsole.log(answer);\n")
    (source / "worker" / "main.ts").write_text("const asked: string = 'how many';\nconsole.log(asked);\n")
    (source / "main_test.ts").write_text("// tests it\n")
    bundle = replace(RUNTIME, source=source)
    monkeypatch.setattr(building, "ROOT", tmp_path)
    monkeypatch.setattr(building, "__file__", str(tmp_path / "deno.json"))
    monkeypatch.setattr(building, "BUNDLES", (bundle,))
    monkeypatch.setattr(building, "FRONT_END", bundle)
    return bundle


def test_the_runtime_is_one_file_that_brings_its_map(bundle: Bundle) -> None:
    building.build()
    assert {path.name for path in bundle.target.iterdir()} == {"manifest.json", "runtime.js"}
    program = (bundle.target / "runtime.js").read_text()
    assert program.startswith("// ")
    encoded = program.partition("sourceMappingURL=data:application/json;base64,")[2]
    assert json.loads(b64decode(encoded))["sources"] == ["../src/main.ts"]


def test_only_what_is_bundled_makes_a_build_necessary(bundle: Bundle) -> None:
    building.build()
    assert building.is_current()
    (bundle.source / "main_test.ts").write_text("// tests it well\n")
    assert building.is_current()
    (bundle.source / "main.ts").write_text("console.log(43);\n")
    assert not building.is_current()
    building.build()
    assert "43" in (bundle.target / "runtime.js").read_text()
    (bundle.target / "runtime.js").unlink()
    assert not building.is_current()


def test_what_was_built_stays_when_esbuild_refuses_what_is_newer(bundle: Bundle) -> None:
    building.build()
    before = (bundle.target / "runtime.js").read_bytes()
    (bundle.source / "main.ts").write_text("console.log(;\n")
    with pytest.raises(building.BuildError, match=r'refused the sources in runtime/src\.\n.*Unexpected ";"'):
        building.build()
    assert (bundle.target / "runtime.js").read_bytes() == before
    assert not list(bundle.target.parent.glob(".build-*"))


def test_a_name_leads_to_its_file(manifest: Path) -> None:
    assert Assets(manifest).url("imp.css") == f"{settings.STATIC_URL}imp-AAAAAAAA.css"


def test_an_unknown_name_says_what_there_is(manifest: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"'imp\.csv'.*imp\.css"):
        Assets(manifest).url("imp.csv")


def test_a_missing_build_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"tools/assets\.py"):
        Assets(tmp_path / "manifest.json").url("imp.css")


@pytest.mark.parametrize(("debug", "expected"), [(True, "imp-BBBBBBBB.css"), (False, "imp-AAAAAAAA.css")])
def test_a_new_build_is_seen_in_development_only(
    manifest: Path, settings: Settings, debug: bool, expected: str
) -> None:
    settings.DEBUG = debug
    known = Assets(manifest)
    known.url("imp.css")
    manifest.write_text(manifest.read_text().replace("A" * 8, "B" * 8))
    assert known.url("imp.css").endswith(expected)


# Closing an answer looks after the database's connection, which another test may have left open
@pytest.mark.django_db
def test_built_files_are_cached_for_ever(settings: Settings) -> None:
    settings.WHITENOISE_USE_FINDERS = True
    settings.WHITENOISE_AUTOREFRESH = True
    middleware = WhiteNoiseMiddleware(lambda request: pytest.fail("the file wasn't found"))
    response = middleware(RequestFactory().get(assets.url("imp.js")))
    assert "immutable" in response["Cache-Control"]
    response.close()


def test_no_source_has_an_address_or_writes_markup_from_text() -> None:
    for path in FRONT_END.source.rglob("*.ts"):
        assert not re.search(r"https?://|innerHTML\s*=|\beval\(|new Function", path.read_text()), path


def test_the_lock_names_no_address() -> None:
    for lock in (ROOT / "deno.lock", ROOT / "tests" / "browser" / "chromium" / "deno.lock"):
        assert "http" not in lock.read_text()
        assert "sha512-" in lock.read_text()
