"""One process that runs functions: what it's started with, how it comes to be ready, and whether it's well."""

import hashlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from agent.engine.calls import Unanswered, call
from agent.engine.children import Child, remove_file
from agent.engine.limits import Cgroups, Limit
from agent.engine.patience import DRAIN_SECONDS
from agent.engine.sayings import Sayings

PROGRAM = Path(__file__).resolve().parents[2] / "runtime" / "dist" / "runtime.js"
READY_WITHIN = 20.0
CHECK_TIMEOUT = 2.0
HEAP_SHARE = 0.75
# Where the pages about problems are, until somebody has told the portal's address
PROBLEM_TYPES = "/errors/"
PROD = "prod"
# What isn't prod's waits for it where the machine has too little CPU for both
NICENESS = 10
# The name by which the program calls its way out, which nobody has
TO_WAY_OUT = "egress.invalid:80"
NODE_MODULES = (
    "_http_agent", "_http_common", "_http_outgoing", "_http_server", "_stream_duplex", "_stream_passthrough",
    "_stream_readable", "_stream_transform", "_stream_writable", "_tls_common", "_tls_wrap", "assert", "assert/strict",
    "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram",
    "diagnostics_channel", "dns", "dns/promises", "domain", "events", "fs", "fs/promises", "http", "http2", "https",
    "inspector", "inspector/promises", "module", "net", "os", "path", "path/posix", "path/win32", "perf_hooks",
    "process", "punycode", "querystring", "readline", "readline/promises", "repl", "sea", "sqlite", "stream",
    "stream/consumers", "stream/promises", "stream/web", "string_decoder", "sys", "test", "test/reporters", "timers",
    "timers/promises", "tls", "trace_events", "tty", "url", "util", "util/types", "v8", "vm", "wasi", "worker_threads",
    "zlib",
)  # fmt: skip
# Of them, what the driver of PostgreSQL takes
OF_PROGRAM = (
    "async_hooks", "buffer", "crypto", "events", "fs", "module", "net", "os", "path", "perf_hooks", "process", "stream",
    "string_decoder", "tls", "url", "util",
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """All that a process is started with."""

    gateway: dict[str, str]
    process: str
    stages: tuple[str, ...]
    milli_cpu: int
    memory_mb: int
    restarts: int
    variables: dict[str, str] = field(repr=False)
    secrets: dict[str, str] = field(repr=False)
    database_url: str = field(repr=False)
    problem_types: str = PROBLEM_TYPES
    runtime_url: str = field(repr=False, default="")
    run_key: str = field(repr=False, default="")
    egress_mode: str = "none"
    egress_hosts: tuple[str, ...] = ()
    logs: str = "database"

    @property
    def is_prod(self) -> bool:
        return PROD in self.stages

    @property
    def digest(self) -> str:
        values = json.dumps(vars(self), sort_keys=True, default=list)
        return hashlib.sha256(values.encode()).hexdigest()[:16]


class NotReady(Exception):
    """The process ended, or said nothing in time; with its last words."""


@dataclass(eq=False)
class Instance:
    spec: Spec
    socket: Path
    child: Child
    limit: Limit
    said: Sayings
    # Why it has to go, where somebody found that out
    fault: str = ""

    @classmethod
    async def start(
        cls,
        spec: Spec,
        folder: Path,
        sockets: Path,
        *,
        said: Sayings,
        cgroups: Cgroups | None,
        cache: Path,
        way_out: Path | None = None,
    ) -> "Instance":
        socket_path = sockets / f"{os.urandom(6).hex()}.sock"
        limit = Limit.make(
            cgroups,
            socket_path.stem,
            memory_mb=spec.memory_mb,
            milli_cpu=spec.milli_cpu,
            isolates=2 * len(spec.stages) + 1,
        )
        try:
            # Whatever became of it meanwhile
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            child = await Child.start(
                command(spec, socket_path, way_out),
                folder=folder,
                environment={"PATH": "/usr/bin:/bin", "DENO_DIR": str(cache), "NO_COLOR": "1"},
                hear=said.hear,
                given=json.dumps(given(spec, socket_path, way_out)).encode(),
                memory_bytes=limit.data_bytes,
                niceness=0 if spec.is_prod else NICENESS,
                cgroup=limit.cgroup,
            )
        except BaseException:
            limit.end()
            raise
        instance = cls(spec, socket_path, child, limit, said)
        try:
            if not await said.until_ready(child.end, READY_WITHIN):
                raise NotReady(await instance._why_not())
        except BaseException:
            # Also where nobody waits for it any more
            instance.discard()
            raise
        return instance

    async def _why_not(self) -> str:
        if self.child.has_ended:
            return await self.describe_end()
        return f"The process wasn't ready within {READY_WITHIN:.0f} s{self._last_words()}"

    async def describe_end(self) -> str:
        code = await self.child.wait()
        if self.fault:
            return self.fault
        if self.limit.was_reached():
            return f"The process needed more than its {self.spec.memory_mb} MB of memory{self._last_words()}"
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return f"The process ended {how}{self._last_words()}"

    def _last_words(self) -> str:
        said = " ".join(list(self.said.lines)[-3:])
        return f": {said}" if said else "."

    def takes_too_much(self) -> bool:
        return self.limit.is_passed_by(self.child.pid)

    async def is_healthy(self) -> bool:
        try:
            return (await call(self.socket, "/_imp/health", within=CHECK_TIMEOUT)).status == 200
        except Unanswered:
            return False

    def waited_for_cpu(self) -> float:
        """For how many seconds in all it could have run, and other programs did."""
        try:
            return int(Path(f"/proc/{self.child.pid}/schedstat").read_text().split()[1]) / 1e9
        # It's gone, or this kernel doesn't count
        except (OSError, IndexError, ValueError):
            return 0.0

    def condemn(self, fault: str) -> None:
        """It's no use to anybody: neither asked nor waited for."""
        self.fault = self.fault or fault
        self.child.kill()

    async def retire(self, patience: float) -> None:
        try:
            await self.child.stop(patience)
        finally:
            self.discard()

    def discard(self) -> None:
        """At once, if it's still there; and nothing of it stays."""
        self.child.kill()
        self.child.when_ended(self._clean)

    def _clean(self) -> None:
        remove_file(self.socket)
        self.limit.end()


def command(spec: Spec, listen: Path, way_out: Path | None = None) -> list[str]:
    heap = int(spec.memory_mb * HEAP_SHARE)
    sockets = [listen, *filter(None, [way_out])]
    addresses = [TO_WAY_OUT] if way_out else []
    for url in filter(None, dict.fromkeys((spec.runtime_url, spec.database_url))):
        socket, address = database_address(url)
        sockets += [socket] if socket and socket not in sockets else []
        addresses += [address] if address and address not in addresses else []
    files = ",".join(map(str, sockets))
    return [
        deno_program(), "run", "--quiet", "--no-config", "--no-lock", "--no-prompt", "--no-remote", "--no-npm",
        # Without the second, each answer would look to its function as if its caller had gone
        "--unstable-worker-options", "--unstable-no-legacy-abort", "--ignore-env",
        f"--v8-flags=--max-old-space-size={heap}",
        f"--import-map={import_map()}",
        f"--allow-net={','.join([*(f'unix:{each}' for each in sockets), *addresses])}",
        f"--allow-read={files}", f"--allow-write={files}",
        str(program()),
    ]  # fmt: skip


def database_address(url: str) -> tuple[Path | None, str]:
    """The unix socket that it's at, or else host and port."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    port = parts.port or int(query.get("port", ["5432"])[0])
    if folder := query.get("host", [""])[0]:
        return Path(folder) / f".s.PGSQL.{port}", ""
    return None, f"{parts.hostname or 'localhost'}:{port}"


def import_map() -> str:
    """No module of Node's for anybody but the program itself, also where a function's code asks for one by import()."""
    denied = {name: None for each in NODE_MODULES for name in (each, f"node:{each}")}
    own = {f"node:{each}": f"node:{each}" for each in OF_PROGRAM}
    text = json.dumps({"imports": denied, "scopes": {program().as_uri(): own}}, separators=(",", ":"))
    return f"data:application/json,{quote(text)}"


def given(spec: Spec, listen: Path, way_out: Path | None = None) -> dict[str, Any]:
    return {
        "gateway": spec.gateway,
        "process": spec.process,
        "stages": list(spec.stages),
        "listen": str(listen),
        "drainSeconds": DRAIN_SECONDS,
        "problemTypes": spec.problem_types,
        "variables": spec.variables,
        "secrets": spec.secrets,
        "instance": f"{spec.process}-{os.urandom(8).hex()}",
        "runtimeUrl": spec.runtime_url,
        "databaseUrl": spec.database_url,
        "runKey": spec.run_key,
        "egress": {"proxy": str(way_out or ""), "mode": spec.egress_mode, "hosts": list(spec.egress_hosts)},
        "logs": spec.logs,
    }


def program() -> Path:
    if not PROGRAM.exists():
        raise FileNotFoundError(f"{PROGRAM} is missing: the runtime isn't built. Run `python tools/assets.py`.")
    return PROGRAM


def deno_program() -> str:
    beside = Path(sys.executable).parent / "deno"
    found = str(beside) if beside.exists() else shutil.which("deno")
    if not found:
        raise FileNotFoundError("There is no Deno: install the package deno.")
    return found
