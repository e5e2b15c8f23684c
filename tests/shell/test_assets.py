"""What the build makes and how it is served."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from pytest_django.fixtures import Settings
from whitenoise.middleware import WhiteNoiseMiddleware

from apps.core.assets import Assets, assets
from tools.assets import ENTRIES, SOURCE

ROOT: Path = settings.BASE_DIR


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"files": {"imp.css": "imp-AAAAAAAA.css"}}))
    return path


def test_every_entry_has_a_hashed_name_that_exists() -> None:
    names = {Path(entry).with_suffix(".js" if entry.endswith(".ts") else Path(entry).suffix).name for entry in ENTRIES}
    assert set(assets.files()) == names
    for name, built in assets.files().items():
        assert re.fullmatch(rf"{Path(name).stem}-[A-Z0-9]{{8}}{Path(name).suffix}", built)
        assert (settings.ASSET_MANIFEST.parent / built).stat().st_size > 0


def test_nothing_is_built_twice() -> None:
    before = settings.ASSET_MANIFEST.stat().st_mtime_ns
    done = subprocess.run([sys.executable, "tools/assets.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "up to date" in done.stdout
    assert settings.ASSET_MANIFEST.stat().st_mtime_ns == before


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
    for path in SOURCE.rglob("*.ts"):
        assert not re.search(r"https?://|innerHTML\s*=|\beval\(|new Function", path.read_text()), path


def test_the_lock_names_no_address() -> None:
    for lock in (ROOT / "deno.lock", ROOT / "tests" / "browser" / "chromium" / "deno.lock"):
        assert "http" not in lock.read_text()
        assert "sha512-" in lock.read_text()
