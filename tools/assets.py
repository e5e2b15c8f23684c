"""Builds the console's styles and script: `python tools/assets.py` (`--packages` only installs, `--watch` follows).

Runs in the virtual environment: the `deno` beside its Python installs the npm packages that deno.lock names, and the
native esbuild among them bundles static/src into static/dist under names that carry a hash. Nothing is done when
nothing has changed. Uses the standard library only.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "static" / "src"
TARGET = ROOT / "static" / "dist"
MANIFEST = TARGET / "manifest.json"
NODE_MODULES = ROOT / "node_modules"
INSTALLED = NODE_MODULES / ".installed"

# What a template can ask for with {% asset %}; everything else is imported by one of these.
ENTRIES = ("imp.css", "imp.ts", "components.css", "components.ts", "admin.css", "admin.ts", "icons.svg", "logo.svg")


class BuildError(Exception):
    """Says in one sentence what is wrong and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", action="store_true", help="only install the npm packages, for type checks")
    parser.add_argument("--watch", action="store_true", help="build again whenever a source changes")
    options = parser.parse_args()
    try:
        if options.packages:
            print("Installed the npm packages." if install() else "The npm packages are there.")
        elif options.watch:
            watch()
        else:
            print(build())
    except BuildError as error:
        print(f"assets: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def build() -> str:
    """Brings static/dist up to date and says what was done."""
    with only_one():
        inputs = fingerprint_of_inputs()
        if is_current():
            return "The styles and the script are up to date."
        started = time.monotonic()
        install()
        with tempfile.TemporaryDirectory(prefix=".build-", dir=ROOT / "static") as scratch:
            files = bundle(Path(scratch))
            publish(Path(scratch), {"inputs": inputs, "files": files})
        return f"Built {len(files)} files into {TARGET.relative_to(ROOT)} in {time.monotonic() - started:.1f} s."


def is_current() -> bool:
    """Whether there is nothing to install and nothing to build."""
    return is_installed() and is_built(fingerprint_of_inputs())


def install() -> bool:
    """Installs exactly what deno.lock names, unless that was done already; install scripts don't run."""
    if is_installed():
        return False
    state = Path(os.environ.get("IMP_STATE_DIR") or ROOT / ".imp").resolve()
    run(
        [str(deno()), "install", "--frozen", "--quiet"],
        "The npm packages could not be installed. Is the network there?",
        environment={
            "DENO_DIR": str(state / "deno"),
            "DENO_NO_UPDATE_CHECK": "1",
            # Also whom the machine trusts: many companies' networks have a certificate of their own
            "DENO_TLS_CA_STORE": os.environ.get("DENO_TLS_CA_STORE", "system,mozilla"),
        },
    )
    INSTALLED.write_text(fingerprint_of_packages())
    return True


def is_installed() -> bool:
    return INSTALLED.exists() and INSTALLED.read_text() == fingerprint_of_packages()


def fingerprint_of_packages() -> str:
    return fingerprint(ROOT / "deno.json", ROOT / "deno.lock")


def fingerprint_of_inputs() -> str:
    return fingerprint(ROOT / "deno.json", ROOT / "deno.lock", Path(__file__), *files_below(SOURCE))


def bundle(scratch: Path) -> dict[str, str]:
    """Runs esbuild and returns which file each entry became, as `imp.js` -> `imp-5WK2ANVX.js`."""
    report = scratch / "report.json"
    run(
        [
            str(esbuild()),
            *(str(SOURCE / entry) for entry in ENTRIES),
            "--bundle",
            "--minify",
            "--sourcemap",
            "--format=esm",
            "--target=es2022",
            "--supported:nesting=true",
            "--charset=utf8",
            "--entry-names=[name]-[hash]",
            "--loader:.svg=copy",
            "--log-level=warning",
            f"--outdir={scratch}",
            f"--metafile={report}",
        ],
        "esbuild refused the sources in static/src.",
    )
    outputs = json.loads(report.read_text())["outputs"]
    report.unlink()
    files = {}
    for output, facts in outputs.items():
        if entry := facts.get("entryPoint"):
            files[Path(entry).stem + Path(output).suffix] = Path(output).name
    return dict(sorted(files.items()))


def publish(scratch: Path, manifest: dict[str, object]) -> None:
    """Moves new files in, then the manifest, then old files out: at no moment does the manifest name a missing file."""
    TARGET.mkdir(exist_ok=True)
    kept = {MANIFEST.name}
    for path in sorted(scratch.iterdir()):
        kept.add(path.name)
        path.replace(TARGET / path.name)
    fresh = scratch / MANIFEST.name
    fresh.write_text(json.dumps(manifest, indent=1) + "\n")
    fresh.replace(MANIFEST)
    for path in TARGET.iterdir():
        if path.name not in kept:
            path.unlink()


def is_built(inputs: str) -> bool:
    try:
        manifest = json.loads(MANIFEST.read_text())
        return manifest["inputs"] == inputs and all((TARGET / name).exists() for name in manifest["files"].values())
    except (OSError, ValueError, KeyError):
        return False


def watch() -> None:
    seen = ""
    print(f"Watching {SOURCE.relative_to(ROOT)}; Ctrl-C ends it.")
    while True:
        now = fingerprint(*files_below(SOURCE))
        if now != seen:
            seen = now
            try:
                print(build(), flush=True)
            except BuildError as error:
                print(f"assets: {error}", file=sys.stderr, flush=True)
        time.sleep(0.4)


@contextmanager
def only_one() -> Iterator[None]:
    """Two builds at once, such as two test runs, take turns. The lock is on the folder, so no file stays behind."""
    folder = os.open(SOURCE, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def deno() -> Path:
    path = Path(sys.executable).parent / "deno"
    if not path.exists():
        raise BuildError(f"There is no deno beside {sys.executable}. Install requirements/base.txt there first.")
    return path


def esbuild() -> Path:
    found = sorted(NODE_MODULES.glob(".deno/@esbuild+*/node_modules/@esbuild/*/bin/esbuild"))
    if not found:
        shutil.rmtree(NODE_MODULES, ignore_errors=True)
        raise BuildError("esbuild has no program for this machine, or node_modules was damaged; run this once more.")
    return found[0]


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def fingerprint(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def run(command: list[str], complaint: str, environment: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise BuildError(f"{command[0]} could not be started: {error.strerror}.") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise BuildError(f"{complaint}\n{said}")


if __name__ == "__main__":
    sys.exit(main())
