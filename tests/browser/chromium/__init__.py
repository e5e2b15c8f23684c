"""Finds a Chromium to test with, or unpacks one that needs no installing and no root."""

import fcntl
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import brotli
from django.conf import settings

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
# The package comes without a GPU process of its own; its fonts.conf looks where only a cloud function has fonts
PACKAGED_ARGUMENTS = ("--no-zygote", "--in-process-gpu", "--use-gl=angle", "--use-angle=swiftshader")
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <dir>/usr/share/fonts</dir>
  <dir prefix="xdg">fonts</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""
ADVICE = "Install Chromium or Chrome, or let CHROMIUM name the program."


class NoChromium(Exception):
    """Why there is no browser to test with, and what to do about it."""


@dataclass(frozen=True)
class Chromium:
    program: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


def find_chromium() -> Chromium:
    """The one that CHROMIUM names, else the system's, else the one that comes as an npm package."""
    if named := os.environ.get("CHROMIUM"):
        path = shutil.which(named)
        if path is None:
            raise NoChromium(f"CHROMIUM is {named!r}, which is no program. {ADVICE}")
        return Chromium(Path(path))
    for name in NAMES:
        if path := shutil.which(name):
            return Chromium(Path(path))
    for program in MACOS:
        if program.exists():
            return Chromium(program)
    return packaged_chromium(settings.STATE_DIR / "chromium")


def packaged_chromium(folder: Path) -> Chromium:
    """Chromium for Linux from npm, unpacked once into the state folder and used from there."""
    if not sys.platform.startswith("linux"):
        raise NoChromium(f"There is no Chromium on this machine. {ADVICE}")
    program = folder / "unpacked" / "chromium"
    folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder):
        if not program.exists():
            _unpack(_install(folder) / "bin", program.parent)
    libraries = program.parent / "al2023" / "lib"
    environment = {"LD_LIBRARY_PATH": str(libraries), "FONTCONFIG_FILE": str(program.parent / "fonts.conf")}
    return Chromium(program, environment, PACKAGED_ARGUMENTS)


def _install(folder: Path) -> Path:
    package = folder / "package"
    package.mkdir(exist_ok=True)
    for name in ("deno.json", "deno.lock"):
        shutil.copy(Path(__file__).parent / name, package / name)
    deno = Path(sys.executable).parent / "deno"
    done = subprocess.run(
        [deno, "install", "--frozen", "--quiet"],
        cwd=package,
        env={**os.environ, "DENO_DIR": str(settings.STATE_DIR / "deno")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoChromium(f"Chromium could not be downloaded from npm: {done.stderr.strip()}\n{ADVICE}")
    return package / "node_modules" / "@sparticuz" / "chromium"


def _unpack(packed: Path, target: Path) -> None:
    """Into a folder beside the target first: whoever finds the target finds all of it."""
    scratch = target.with_name(f"{target.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for name in ("al2023", "fonts", "swiftshader"):
        content = brotli.decompress((packed / f"{name}.tar.br").read_bytes())
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(scratch / name if name == "al2023" else scratch, filter="data")
    (scratch / "fonts.conf").write_text(FONTS.format(fonts=target / "fonts", cache=target / "fonts-cache"))
    program = scratch / "chromium"
    program.write_bytes(brotli.decompress((packed / "chromium.br").read_bytes()))
    program.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    scratch.rename(target)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
