"""One process of esbuild for each of ours, made when it's first needed and again when it has ended.

A source may make it crash or take for ever, and with it whatever else is being compiled there. That is compiled again
at once, each in a process of its own, so that only the source that did it is told.
"""

import os
import re
import subprocess
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any

import orjson
import structlog
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Unavailable
from apps.functions.compiling.findings import LONGEST_LINE, Compiled, Finding, finding_of
from apps.functions.compiling.program import version
from apps.functions.compiling.resolving import NAMESPACE, Files
from apps.functions.compiling.service import Ended, Service

log = structlog.get_logger(__name__)

COMPILE_WITHIN = 8.0
LARGEST_CODE = 4 * 1024 * 1024
MOST_MESSAGES = 50
FLAGS = [
    "--bundle",
    "--format=cjs",
    "--platform=neutral",
    # Decorators and `using` aren't in every V8 yet
    "--target=es2024",
    "--supported:dynamic-import=false",
    "--charset=utf8",
    "--legal-comments=none",
    # The sources are kept with the version, and what runs needs only their lines
    "--sourcemap=external",
    "--sources-content=false",
    # No file of this machine says how a function is compiled
    "--tsconfig-raw={}",
    "--outfile=function.js",
    "--color=false",
    "--log-level=silent",
    f"--log-limit={MOST_MESSAGES}",
]
PLUGIN = {
    "name": NAMESPACE,
    "onStart": False,
    "onEnd": False,
    "onResolve": [{"id": 0, "filter": ".*", "namespace": ""}],
    "onLoad": [{"id": 0, "filter": ".*", "namespace": NAMESPACE}],
}
REQUEST: dict[str, Any] = {
    "command": "build",
    "flags": FLAGS,
    "write": False,
    "stdinContents": None,
    "stdinResolveDir": None,
    "absWorkingDir": "/",
    "nodePaths": [],
    "context": False,
    "plugins": [PLUGIN],
}
AWAIT_OUTSIDE = "Top-level await is currently not supported"
# As it writes what an entrypoint exports
WHOLE = re.compile(r"^module\.exports = __toCommonJS\((\w+)\);", re.MULTILINE)
HANDLER = re.compile(r"^  (default|fetch): \(\) =>", re.MULTILINE)


class CompilerFailed(Unavailable):
    slug = "compiler-failed"
    title = gettext_lazy("The compiler couldn't finish with this code")
    advice = gettext_lazy("Simplify what was changed last, such as deep nesting, and try again. Nothing was saved.")


class CompilerAway(CompilerFailed):
    slug = "compiler-away"
    title = gettext_lazy("The compiler can't be started")
    advice = gettext_lazy(
        "Nothing is wrong with the code, and nothing was saved. Try again in a moment; if it stays, whoever runs the "
        "platform learns from `python manage.py doctor` what it lacks."
    )


_lock = threading.Lock()
_shared: Service | None = None


def _forget() -> None:
    """After a fork: the parent's process is the parent's."""
    global _lock, _shared
    _lock, _shared = threading.Lock(), None


os.register_at_fork(after_in_child=_forget)


def warm_up() -> None:
    """Beside what this process does, so that the first to save doesn't wait for the compiler to start."""
    threading.Thread(target=_start, name="esbuild-start", daemon=True).start()


def _start() -> None:
    try:
        compile_files(files={"index.ts": "export default () => 1;"}, entrypoint="index.ts")
    except CompilerFailed:
        # Whoever needs it is told by then
        log.warning("compiler not started", exc_info=True)


def compiler_name() -> str:
    """With its version: another one may make other code of the same sources."""
    return f"esbuild {version()}"


def compile_files(*, files: Mapping[str, str], entrypoint: str, packages: Collection[str] = ()) -> Compiled:
    """What is wrong with the sources is in `errors`.

    CompilerFailed: it crashed over them, or took too long; CompilerAway: it couldn't even be started.
    """
    began = time.perf_counter()
    answer = _build({**REQUEST, "entries": [["", entrypoint]]}, Files(files, packages))
    errors = [_told(each) for each in answer.get("errors") or ()]
    warnings = tuple(_told(each) for each in answer.get("warnings") or ())
    code = source_map = ""
    if not errors:
        outputs = {each["path"].rpartition("/")[2]: each["contents"] for each in answer.get("outputFiles") or ()}
        code, source_map = outputs["function.js"].decode(), _own_names(outputs["function.js.map"])
        errors = [*_without_handler(code, files, entrypoint), *_too_large(code)]
    if errors:
        code = source_map = ""
    return Compiled(code, source_map, tuple(errors), warnings, (time.perf_counter() - began) * 1000)


def _build(request: dict[str, Any], files: Files) -> dict[str, Any]:
    try:
        return _ask(_service(), request, files)
    except Ended:
        pass
    # Perhaps through another source. By itself it harms no other, and no other harms it
    alone = _started()
    try:
        return _ask(alone, request, files)
    except Ended as ended:
        log.warning("compiler ended", said=str(ended))
        raise CompilerFailed(_("It ended over this code.")) from ended
    finally:
        alone.end()


def _ask(service: Service, request: dict[str, Any], files: Files) -> dict[str, Any]:
    try:
        return service.build(request, files.answer, within=COMPILE_WITHIN)
    except TimeoutError:
        service.end()
        log.warning("compiler took too long", seconds=COMPILE_WITHIN)
        raise CompilerFailed(
            _("It wasn't done with this code within %(seconds)d seconds.") % {"seconds": COMPILE_WITHIN}
        ) from None


def _service() -> Service:
    global _shared
    with _lock:
        if _shared is None or _shared.has_ended:
            _shared = _started()
        return _shared


def _started() -> Service:
    try:
        return Service()
    except (Ended, TimeoutError, OSError, subprocess.SubprocessError) as error:
        log.warning("compiler not started", error=repr(error))
        raise CompilerAway from error


def _told(message: dict[str, Any]) -> Finding:
    text = str(message["text"])
    if text.startswith(AWAIT_OUTSIDE):
        text = _("await can't stand outside of functions here: move it into the handler.")
    return finding_of(message, text, NAMESPACE)


def _own_names(content: bytes) -> str:
    """The files as their people know them."""
    found = orjson.loads(content)
    found["sources"] = [name.removeprefix(f"{NAMESPACE}:") for name in found["sources"]]
    return orjson.dumps(found).decode()


def _without_handler(code: str, files: Mapping[str, str], entrypoint: str) -> list[Finding]:
    """Only where it's certain: what else a module exports is known when it's loaded."""
    module = WHOLE.search(code)
    if module is None:
        is_missing = "exports" not in files[entrypoint]
    else:
        listed = re.search(rf"^__export\({re.escape(module[1])}, \{{\n(.*?)^\}}\);", code, re.MULTILINE | re.DOTALL)
        is_missing = f"__reExport({module[1]}," not in code and not (listed and HANDLER.search(listed[1]))
    if not is_missing:
        return []
    line = files[entrypoint].partition("\n")[0]
    text = _("There is no handler: export one with `export default async (req, res) => { … }`.")
    return [Finding(text, entrypoint, 1, 1, max(1, len(line)), line[:LONGEST_LINE])]


def _too_large(code: str) -> list[Finding]:
    size = len(code.encode())
    if size <= LARGEST_CODE:
        return []
    told = {"size": size / 1024 / 1024, "most": LARGEST_CODE / 1024 / 1024}
    return [Finding(_("It becomes %(size).1f MB, and may be %(most)d MB at most.") % told)]
