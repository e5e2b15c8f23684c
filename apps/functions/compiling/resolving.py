"""What an import means: one of the function's own files, a package of the gateway, or an error that says what to do."""

import posixpath
import re
from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

# Of files in memory: nothing is ever looked for on a disk
NAMESPACE = "function"
TRIED = ("", ".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".json", "/index.ts", "/index.tsx", "/index.js")
# As TypeScript has it: the name that a file is going to have
WRITTEN_AS = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",)}
# By ending, how each file is read; a function has no others
LOADERS = {
    "ts": "ts", "tsx": "tsx", "mts": "ts", "js": "js", "jsx": "jsx", "mjs": "js", "json": "json", "txt": "text",
}  # fmt: skip
# Where a source names its map, the compiler reads it from this machine's disk
_NAMES_A_MAP = re.compile(r"(?<=/[/*][#@] )s(?=ourceMappingURL=)")
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):")
_OF_NODE = frozenset({
    "assert", "async_hooks", "buffer", "child_process", "cluster", "crypto", "dgram", "dns", "events", "fs", "http",
    "http2", "https", "inspector", "module", "net", "os", "path", "perf_hooks", "process", "querystring", "readline",
    "stream", "string_decoder", "timers", "tls", "tty", "url", "util", "v8", "vm", "worker_threads", "zlib",
})  # fmt: skip


class Files:
    """A function's files, as esbuild asks for them."""

    def __init__(self, files: Mapping[str, str], packages: Collection[str]) -> None:
        self.files = files
        self.packages = frozenset(packages)

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        match question.get("command"):
            case "on-resolve":
                return self._resolve(question)
            case "on-load":
                path = question["path"]
                loader = LOADERS[extension_of(path)]
                return {
                    "id": 0,
                    "contents": _without_map(self.files[path]).encode(),
                    "loader": loader,
                    "resolveDir": "",
                }
        # It says when it begins and ends, too
        return {"errors": [], "warnings": []}

    def _resolve(self, question: dict[str, Any]) -> dict[str, Any]:
        name = question["path"]
        if question.get("kind") == "entry-point":
            return _found(name) if name in self.files else _refused(_("There is no file %(name)s.") % {"name": name})
        if name.startswith(("./", "../")) or name in (".", ".."):
            return self._resolve_file(name, posixpath.dirname(question["importer"]))
        package = package_in(name)
        if package in self.packages:
            return {"id": 0, "path": name, "external": True}
        return _refused(*self._why_not(name, package))

    def _resolve_file(self, name: str, folder: str) -> dict[str, Any]:
        # From the root, no number of .. leads out
        path = posixpath.normpath(posixpath.join("/", folder, name)).lstrip("/")
        stem, ending = posixpath.splitext(path)
        for each in (*(path + more for more in TRIED), *(stem + other for other in WRITTEN_AS.get(ending, ()))):
            if each in self.files:
                return _found(each)
        return _refused(_("The function has no file %(path)s.") % {"path": path or name})

    def _why_not(self, name: str, package: str) -> tuple[str, str]:
        address = _ADDRESS.match(name)
        if name.startswith("node:") or package in _OF_NODE:
            return (
                _("%(name)s isn't there: functions run without Node's own modules.") % {"name": f'"{name}"'},
                _("Use what the web's standards have, such as fetch, crypto, URL and TextEncoder."),
            )
        if address:
            return (
                _("%(name)s can't be imported: nothing is fetched while a function is compiled.")
                % {"name": f'"{name}"'},
                _("Add the npm package under Dependencies of the gateway and import it by its name."),
            )
        if name.startswith(("/", "#")) or not package:
            return _("%(name)s can't be imported.") % {"name": f'"{name}"'}, _own_files()
        if any(path == name or path.startswith(f"{name}.") for path in self.files):
            return _("%(name)s is no dependency of this gateway.") % {"name": f'"{name}"'}, _own_files()
        return (
            _("%(name)s is no dependency of this gateway.") % {"name": f'"{package}"'},
            _("Add it under Dependencies of the gateway, then save again."),
        )


def _without_map(text: str) -> str:
    """In a comment it's that no more; in a text, where it may stand too, it means what it did."""
    return _NAMES_A_MAP.sub(r"\\x73", text)


def _own_files() -> str:
    return _("Paths of the function's own files begin with ./ or ../")


def package_in(name: str) -> str:
    """`@scope/name` of `@scope/name/part`."""
    parts = name.split("/")
    return "/".join(parts[: 2 if name.startswith("@") else 1])


def extension_of(path: str) -> str:
    return posixpath.splitext(path)[1].removeprefix(".").lower()


def _found(path: str) -> dict[str, Any]:
    return {"id": 0, "path": path, "namespace": NAMESPACE}


def _refused(text: str, note: str = "") -> dict[str, Any]:
    notes = [{"text": note, "location": None}] if note else []
    error = {"id": "", "pluginName": "", "text": text, "location": None, "notes": notes, "detail": -1}
    return {"id": 0, "errors": [error]}
