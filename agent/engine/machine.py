"""The engine of one machine: one Envoy, and for each gateway a folder, processes and routes."""

import asyncio
import contextlib
import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import structlog

from agent.engine import listeners
from agent.engine.access_log import AccessLog
from agent.engine.ads import Discovery
from agent.engine.envoys import package_version
from agent.engine.instances import PROBLEM_TYPES, Spec
from agent.engine.last_good import LastGood
from agent.engine.limits import Cgroups
from agent.engine.patience import DRAIN_SECONDS, MARGIN_SECONDS, Backoff, News
from agent.engine.proxy import Proxy
from agent.engine.resources import LISTENER, Refused, Resources
from agent.engine.routes import RouteBook
from agent.engine.runtimes import Runtime
from agent.engine.turns import Turns
from agent.engine.warden import LOOK_AT_MEMORY_EVERY, LOOK_EVERY, Warden
from agent.engine.ways_out import WaysOut

log = structlog.get_logger(__name__)

SETTLE_WITHIN = 5.0
# When everything ends: whoever supervises the agent has little patience
LAST_DRAIN_SECONDS = 1.0
# Whatever hangs: what is left by then goes at once
STOP_WITHIN = 2.5
# At the same time; each takes a core for a moment
STARTS = 2 * (os.cpu_count() or 1)
# What made Envoy refuse the listener may pass, such as another program at its port
LISTEN_AGAIN_AFTER = (1.0, 2.0, 5.0, 10.0)


class Engine:
    def __init__(self, folder: Path, sockets: Path, *, host: str, port: int, opened: Sequence[str] = ()) -> None:
        self.folder = folder
        self.sockets = sockets
        self.port = port
        self.news = News()
        self.resources = Resources()
        self.proxy = Proxy(folder / "envoy", sockets, self.resources)
        self.access_log = AccessLog(folder / "logs" / "access.log")
        self._host = host
        self._problem_types = PROBLEM_TYPES
        self._last_good = LastGood(folder / "routes")
        self._routes = RouteBook(self.resources, self._last_good, host, port)
        self._discovery = Discovery(self.resources)
        self._runtimes: dict[tuple[str, str], Runtime] = {}
        # Whose process it is
        self._gateways: dict[tuple[str, str], str] = {}
        self._stopping: dict[tuple[str, str], set[asyncio.Task[None]]] = defaultdict(set)
        self._configurations: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
        self.ways_out = WaysOut(folder, sockets, opened)
        self._starts = Turns(STARTS)
        self._cgroups: Cgroups | None = None
        self._warden = Warden(lambda: [each.serving for each in self._runtimes.values() if each.serving])
        self._rounds: asyncio.Task[None] | None = None
        self._memory_rounds: asyncio.Task[None] | None = None
        self._tell: Callable[[str], None] = lambda namespace: None

    async def start(self, tell: Callable[[str], None], namespaces: Iterable[str]) -> None:
        """`tell(namespace)` hears of processes that come and go. Folders of other namespaces are left ones."""
        self._tell = tell
        for folder in (self.folder, self.folder / "gateways", self.folder / "logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_private(self.sockets)
        # Of processes that died with the agent before
        for socket in self.sockets.glob("*.sock"):
            socket.unlink()
        for left in {each.name for each in (self.folder / "gateways").iterdir()} - set(namespaces):
            self.remove_namespace(left)
        self._cgroups = Cgroups.find()
        self._last_good.clear(set(namespaces))
        discovery = self.sockets / "ads.sock"
        await self._discovery.start(discovery)
        self._open_door()
        self.ways_out.start()
        await self.proxy.start(discovery)
        self._rounds = asyncio.create_task(self._make_rounds())
        self._memory_rounds = asyncio.create_task(self._watch_memory())

    async def stop(self) -> None:
        """The way in first, so that calls finish before what answers them goes."""
        end = asyncio.get_running_loop().time() + STOP_WITHIN
        for rounds in (self._rounds, self._memory_rounds):
            if rounds:
                rounds.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                await self.proxy.drain(LAST_DRAIN_SECONDS)
        # Nobody is there any more to tell that they've let go
        self.resources.close()
        for key in list(self._runtimes):
            self._begin_to_stop(key, LAST_DRAIN_SECONDS)
        stopping = [task for tasks in self._stopping.values() for task in tasks]
        last = asyncio.create_task(self.proxy.stop())
        await asyncio.wait([last, *stopping], timeout=max(0.0, end - asyncio.get_running_loop().time()))
        # Those that have begun before with more patience
        for task in stopping:
            task.cancel()
        await asyncio.gather(last, *stopping, return_exceptions=True)
        await self.ways_out.stop()
        await self._discovery.stop()
        await self._last_good.stop()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def renew(self) -> None:
        """Another Envoy in the place of the one that runs, without a lost call."""
        self.proxy.renew()

    def facts(self) -> dict[str, str]:
        facts = {
            "gateway_port": str(self.port),
            "envoy_version": self.proxy.version or package_version(),
            "runtime_version": _version("deno"),
            "machine": platform.node(),
        }
        return {**facts, "problem": self.problem} if self.problem else facts

    @property
    def problem(self) -> str:
        """Why no call comes in, for people; empty while they do."""
        if self.proxy.problem:
            return self.proxy.problem
        reason = self.resources.refusal(LISTENER, listeners.MAIN)
        return f"No call can come in. Envoy says: {reason}" if reason else ""

    def answer_with(self, problem_types: str) -> None:
        """Where the pages about problems are, for those that Envoy tells itself."""
        if problem_types != self._problem_types:
            self._problem_types = problem_types
            self._open_door()

    def _open_door(self) -> None:
        self.proxy.door = listeners.render_listener(
            self._host,
            self.port,
            self.access_log.file,
            probe=self._routes.probe,
            problem_types=self._problem_types,
        )
        self.resources.put(LISTENER, listeners.MAIN, self.proxy.door)

    async def _make_rounds(self) -> None:
        backoff, again_at = Backoff(LISTEN_AGAIN_AFTER, calm=3600.0), 0.0
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._warden.look()
                self.proxy.look()
                if not self.resources.is_refused(LISTENER, listeners.MAIN):
                    backoff.reset()
                elif time.monotonic() >= again_at:
                    again_at = time.monotonic() + backoff.after(0)
                    self.resources.try_again(LISTENER, listeners.MAIN)
                if self.access_log.is_full():
                    await self.access_log.rotate(self.proxy.reopen_logs)
            # Whatever it was, the next round may go well
            except Exception:
                log.exception("rounds")

    async def _watch_memory(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AT_MEMORY_EVERY)
            self._warden.look_at_memory()

    # Folders and configurations

    def make_namespace(self, namespace: str) -> None:
        self._folder(namespace).mkdir(parents=True, exist_ok=True, mode=0o700)

    def remove_namespace(self, namespace: str) -> None:
        shutil.rmtree(self._folder(namespace), ignore_errors=True)

    def put_configuration(self, namespace: str, name: str, content: dict[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        self._configurations[namespace, name] = (digest, content)
        self.news.tell()

    def configuration(self, namespace: str, name: str, digest: str) -> dict[str, Any] | None:
        found = self._configurations.get((namespace, name))
        return found[1] if found and found[0] == digest else None

    def remove_configuration(self, namespace: str, name: str) -> None:
        self._configurations.pop((namespace, name), None)

    # Processes

    def want_runtime(self, namespace: str, name: str, spec: Spec) -> None:
        key, gateway = (namespace, name), spec.gateway["id"]
        self.ways_out.put(gateway, spec.egress_mode, spec.egress_hosts)
        self._gateways[key] = gateway
        if key not in self._runtimes:
            self._runtimes[key] = Runtime(
                self._folder(namespace),
                self.sockets,
                self._destination(key),
                starts=self._starts,
                cgroups=self._cgroups,
                # What the program was compiled to, which is the same for all and a good third of the work of a start
                cache=self.folder / "deno",
                way_out=self.ways_out.socket_of(gateway),
                moved=lambda: self._moved(namespace),
            )
        self._runtimes[key].want(spec)

    def serves(self, namespace: str, name: str, spec: Spec) -> bool:
        runtime = self._runtimes.get((namespace, name))
        return runtime is not None and runtime.serves(spec)

    def problem_of(self, namespace: str, name: str) -> str:
        runtime = self._runtimes.get((namespace, name))
        return runtime.problem if runtime else ""

    def is_failing(self, namespace: str, name: str) -> bool:
        runtime = self._runtimes.get((namespace, name))
        return runtime is not None and runtime.is_failing

    def replacements_of(self, namespace: str, name: str) -> int:
        """How often its processes have found another database in the place of their own."""
        runtime = self._runtimes.get((namespace, name))
        return runtime.replacements if runtime else 0

    def lines_of(self, namespace: str, name: str) -> list[str]:
        """The last that its processes wrote."""
        runtime = self._runtimes.get((namespace, name))
        return list(runtime.lines) if runtime else []

    async def stop_runtime(self, namespace: str, name: str) -> None:
        """Goes on to its end also where nobody waits for it any more."""
        key = namespace, name
        self._begin_to_stop(key, DRAIN_SECONDS + MARGIN_SECONDS)
        await asyncio.gather(*map(asyncio.shield, self._stopping[key]))

    def pids(self) -> dict[tuple[str, str], int]:
        return {key: each.serving.child.pid for key, each in self._runtimes.items() if each.serving}

    def _begin_to_stop(self, key: tuple[str, str], patience: float) -> None:
        runtime = self._runtimes.pop(key, None)
        if runtime is None:
            return
        task = asyncio.create_task(self._stop(key, runtime, patience))
        self._stopping[key].add(task)
        task.add_done_callback(self._stopping[key].discard)

    async def _stop(self, key: tuple[str, str], runtime: Runtime, patience: float) -> None:
        await runtime.stop(patience)
        # It may be wanted again by now
        if key not in self._runtimes:
            self._destination(key).remove()
            gateway = self._gateways.pop(key, None)
            if gateway and gateway not in self._gateways.values():
                self.ways_out.remove(gateway)

    def _destination(self, key: tuple[str, str]) -> listeners.Destination:
        return listeners.Destination(self.resources, f"runtime/{key[0]}/{key[1]}")

    def _moved(self, namespace: str) -> None:
        self.news.tell()
        self._tell(namespace)

    # Routes

    def put_routes(self, namespace: str, name: str, rendered: Sequence[dict[str, Any]]) -> None:
        self._routes.put((namespace, name), rendered)

    async def settle_routes(self, namespace: str, name: str) -> None:
        """TimeoutError: Envoy is away, or hasn't come to it yet."""
        async with asyncio.timeout(SETTLE_WITHIN):
            await self._routes.settle((namespace, name))

    async def remove_routes(self, namespace: str, name: str) -> None:
        with contextlib.suppress(TimeoutError, Refused):
            async with asyncio.timeout(SETTLE_WITHIN):
                await self._routes.remove((namespace, name))
        # Another may have waited for its hosts
        self.news.tell()

    def _folder(self, namespace: str) -> Path:
        return self.folder / "gateways" / namespace


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def socket_folder(state: Path) -> Path:
    """Short enough for a unix socket's address, which takes 108 bytes."""
    beside = state / "s"
    if len(str(beside).encode()) <= 80:
        return beside
    mark = hashlib.sha256(str(state).encode()).hexdigest()[:12]
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"imp-{os.getuid()}-{mark}"


def make_private(folder: Path) -> None:
    """Ours alone, also where everybody may make folders and has made this one before us."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else: remove it.")
    folder.chmod(0o700)
