"""Builds styles, script and runtime: `python tools/assets.py` (`--packages` only installs, `--watch` follows).

Runs in the virtual environment: the `deno` beside its Python installs the npm packages that deno.lock names, and the
native esbuild among them bundles static/src into static/dist and static/monaco/src into static/monaco/dist, under names
that carry a hash, and runtime/src into runtime/dist/runtime.js, which agents start. Nothing is done when nothing has
changed. Uses the standard library only.
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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_MODULES = ROOT / "node_modules"
INSTALLED = NODE_MODULES / ".installed"


@dataclass(frozen=True)
class Bundle:
    """A folder of sources, and the folder beside it that is made from it."""

    name: str
    source: Path
    # Everything else is imported by one of these
    entries: tuple[str, ...]
    options: tuple[str, ...]
    # Built before them; they import its text by this name
    inner: tuple[str, str] | None = None

    @property
    def target(self) -> Path:
        return self.source.parent / "dist"

    @property
    def manifest(self) -> Path:
        return self.target / "manifest.json"

    def sources(self) -> list[Path]:
        return [path for path in files_below(self.source) if not path.name.endswith("_test.ts")]


FRONT_END = Bundle(
    "front end",
    ROOT / "static" / "src",
    # What a template can ask for with {% asset %}
    (
        *("imp.css", "imp.ts", "components.css", "components.ts", "admin.css", "admin.ts", "editor.ts"),
        *("icons.svg", "logo.svg"),
    ),
    (
        "--minify",
        "--sourcemap",
        "--target=es2022",
        "--supported:nesting=true",
        "--entry-names=[name]-[hash]",
        "--loader:.svg=copy",
    ),
)
# Apart from the rest, so that a changed line of the console doesn't bundle ten megabytes again
MONACO = Bundle(
    "editor",
    ROOT / "static" / "monaco" / "src",
    ("monaco.ts", "editor-worker.ts", "typescript-worker.ts", "json-worker.ts"),
    (
        "--minify",
        "--target=es2022",
        "--legal-comments=external",
        # Nothing of ours is as large, so it would warn of each
        "--log-level=error",
        "--entry-names=[name]-[hash]",
        "--asset-names=[name]-[hash]",
        "--loader:.ttf=file",
    ),
)
RUNTIME = Bundle(
    "runtime",
    ROOT / "runtime" / "src",
    ("main.ts",),
    # Its program may read no file beside it: the map has to be inside
    (
        "--sourcemap=inline",
        "--sources-content=false",
        "--target=esnext",
        "--platform=neutral",
        "--main-fields=module,main",
        "--external:node:*",
        # As the database's driver names them
        *(f"--alias:{name}=node:{name}" for name in ("crypto", "fs", "net", "os", "perf_hooks", "stream", "tls")),
        "--loader:.txt=text",
        "--entry-names=runtime",
    ),
    inner=("worker/main.ts", "worker-program"),
)
# Its text is in the runtime's memory, and each of its isolates reads it
INNER_OPTIONS = (
    "--minify-whitespace",
    "--minify-syntax",
    "--target=esnext",
    "--platform=neutral",
    "--external:node:*",
    "--out-extension:.js=.txt",
    "--entry-names=[name]",
)
BUNDLES = (FRONT_END, MONACO, RUNTIME)


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
    """Brings what is made of the sources up to date and says what was done."""
    with only_one():
        stale = {bundle: inputs for bundle in BUNDLES if not is_built(bundle, inputs := fingerprint_of_inputs(bundle))}
        if is_installed() and not stale:
            return "Front end, editor and runtime are up to date."
        started = time.monotonic()
        install()
        for bundle, inputs in stale.items():
            with tempfile.TemporaryDirectory(prefix=".build-", dir=bundle.source.parent) as scratch:
                publish(bundle, Path(scratch), {"inputs": inputs, "files": make(bundle, Path(scratch))})
        built = " and ".join(bundle.name for bundle in stale) or "nothing"
        return f"Built {built} in {time.monotonic() - started:.1f} s."


def is_current() -> bool:
    """Whether there is nothing to install and nothing to build."""
    return is_installed() and all(is_built(bundle, fingerprint_of_inputs(bundle)) for bundle in BUNDLES)


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


def fingerprint_of_inputs(bundle: Bundle) -> str:
    return fingerprint(ROOT / "deno.json", ROOT / "deno.lock", Path(__file__), *bundle.sources())


def make(bundle: Bundle, scratch: Path) -> dict[str, str]:
    """Runs esbuild and returns which file each entry became, as `imp.js` -> `imp-5WK2ANVX.js`."""
    report = scratch / "report.json"
    if bundle.inner:
        entry, name = bundle.inner
        run_esbuild(bundle, (entry,), INNER_OPTIONS, scratch, report)
        inner = scratch / Path(entry).with_suffix(".txt").name
        run_esbuild(bundle, bundle.entries, (*bundle.options, f"--alias:{name}={inner}"), scratch, report)
        # All of it is inside by now
        inner.unlink()
    else:
        run_esbuild(bundle, bundle.entries, bundle.options, scratch, report)
    outputs = json.loads(report.read_text())["outputs"]
    report.unlink()
    files = {}
    for output, facts in outputs.items():
        if entry := facts.get("entryPoint"):
            files[Path(entry).stem + Path(output).suffix] = Path(output).name
            # The styles that a script imports
            if styles := facts.get("cssBundle"):
                files[f"{Path(entry).stem}.css"] = Path(styles).name
    return dict(sorted(files.items()))


def run_esbuild(
    bundle: Bundle, entries: tuple[str, ...], options: tuple[str, ...], scratch: Path, report: Path
) -> None:
    run(
        [
            str(esbuild()),
            *(str(bundle.source / entry) for entry in entries),
            "--bundle",
            "--format=esm",
            "--charset=utf8",
            "--log-level=warning",
            *options,
            f"--outdir={scratch}",
            f"--metafile={report}",
        ],
        f"esbuild refused the sources in {bundle.source.relative_to(ROOT)}.",
    )


def publish(bundle: Bundle, scratch: Path, manifest: dict[str, object]) -> None:
    """Moves new files in, then the manifest, then old files out: at no moment does the manifest name a missing file."""
    bundle.target.mkdir(exist_ok=True)
    kept = {bundle.manifest.name}
    for path in sorted(scratch.iterdir()):
        kept.add(path.name)
        path.replace(bundle.target / path.name)
    fresh = scratch / bundle.manifest.name
    fresh.write_text(json.dumps(manifest, indent=1) + "\n")
    fresh.replace(bundle.manifest)
    for path in bundle.target.iterdir():
        if path.name not in kept:
            path.unlink()


def is_built(bundle: Bundle, inputs: str) -> bool:
    try:
        manifest = json.loads(bundle.manifest.read_text())
        files = manifest["files"].values()
        return manifest["inputs"] == inputs and all((bundle.target / name).exists() for name in files)
    except (OSError, ValueError, KeyError):
        return False


def watch() -> None:
    seen = ""
    print(f"Watching {' and '.join(str(each.source.relative_to(ROOT)) for each in BUNDLES)}; Ctrl-C ends it.")
    while True:
        now = fingerprint(*(path for bundle in BUNDLES for path in bundle.sources()))
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
    folder = os.open(FRONT_END.source, os.O_RDONLY)
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
