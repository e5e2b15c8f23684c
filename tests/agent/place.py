"""The built-in engine in this process, with a real Envoy and real Denos, and gateways to give to it."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import psutil

from agent.appliers.base import Phase, Status, Wanted
from agent.appliers.local import LocalApplier
from agent.engine.children import BECOME
from agent.engine.instances import PROGRAM
from agent.engine.machine import Engine, socket_folder
from apps.dataplane.drivers.envoy import AGAIN
from tests.fleet.processes import wait_until
from tests.machine import free_port

VERSION = "local.imp.dev/v1"
TYPE = "type.googleapis.com/envoy.config.route.v3."
OURS = {"envoy", PROGRAM.name, BECOME.name, "program.js"}
Manifest = dict[str, Any]


def manifest(kind: str, namespace: str, name: str, wave: int, spec: Any) -> Manifest:
    return {
        "api_version": VERSION, "kind": kind, "namespace": namespace, "name": name, "wave": wave, "spec": spec,
    }  # fmt: skip


def wanted(key: str, manifests: Any) -> Wanted:
    text = manifests if isinstance(manifests, bytes) else orjson.dumps(manifests, option=orjson.OPT_SORT_KEYS)
    return Wanted(key, hashlib.sha256(text).hexdigest(), text)


class Gateway:
    """What the portal would say of one, with one process for all of its stages."""

    def __init__(self, name: str = "parcels", *, memory_mb: int = 256) -> None:
        self.name = name
        self.memory_mb = memory_mb
        self.restarts = 0
        self.variables: dict[str, str] = {}
        self.secrets: dict[str, str] = {}

    @property
    def host(self) -> str:
        return f"{self.name}.dev.localhost"

    def namespace(self) -> Wanted:
        return wanted(f"gateway/{self.name}/namespace", [manifest("Namespace", self.name, self.name, 0, {})])

    def configuration(self) -> Wanted:
        content = manifest("Configuration", self.name, "configuration", 1, self._configuration())
        return wanted(f"gateway/{self.name}/configuration", [content])

    def runtime(self, **changes: Any) -> Wanted:
        digest = hashlib.sha256(json.dumps(self._configuration(), sort_keys=True).encode()).hexdigest()
        spec = {
            "gateway": {"id": self.name, "name": self.name, "title": self.name.title()},
            "stages": ["dev"],
            "milli_cpu": 500,
            "memory_mb": self.memory_mb,
            "restarts": self.restarts,
            "configuration": {"name": "configuration", "digest": digest},
            **changes,
        }
        return wanted(f"gateway/{self.name}/runtime", [manifest("Runtime", self.name, "all", 2, spec)])

    def routes(self, *, hosts: tuple[str, ...] = (), prefix: str = "/", **more: Any) -> Wanted:
        hosts = hosts or (self.host,)
        cluster = f"runtime/{self.name}/all"
        action = {"cluster": cluster, "prefix_rewrite": "/dev/", "timeout": "0s", "retry_policy": AGAIN}
        route = {"match": {"prefix": prefix}, "route": action}
        table = {
            "name": self.name,
            "virtual_hosts": [{"name": "dev", "domains": list(hosts), "routes": [route]}],
            **more,
        }
        scopes = [
            {"name": host, "route_configuration_name": self.name, "key": {"fragments": [{"string_key": host}]}}
            for host in hosts
        ]
        resources = [{"type_url": f"{TYPE}RouteConfiguration", "name": self.name, "resource": table}]
        resources += [
            {"type_url": f"{TYPE}ScopedRouteConfiguration", "name": each["name"], "resource": each} for each in scopes
        ]
        routes = manifest("Routes", self.name, "routes", 3, {"resources": resources})
        return wanted(f"gateway/{self.name}/routes", [routes])

    def bundles(self) -> list[Wanted]:
        return [self.namespace(), self.configuration(), self.runtime(), self.routes()]

    def _configuration(self) -> dict[str, Any]:
        return {"variables": self.variables, "secrets": self.secrets, "database_url": ""}


class Place:
    """An engine with its applier, in a loop of its own."""

    def __init__(
        self, folder: Path, *, bundles: tuple[Wanted, ...] = (), port: int = 0, opened: tuple[str, ...] = ()
    ) -> None:
        self.port = port or free_port()
        self.folder = folder
        self.reports: list[tuple[str, str, Status]] = []
        # The last one of each bundle, with the digest that it's about
        self._said: dict[str, tuple[str, Status]] = {}
        self._loop = asyncio.new_event_loop()
        self.failures: list[str] = []
        self._loop.set_exception_handler(lambda loop, context: self.failures.append(str(context)))
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.engine = Engine(folder / "engine", socket_folder(folder), host="127.0.0.1", port=self.port, opened=opened)
        self.applier = LocalApplier(self.engine)
        self.run(self.applier.start(self._hear, bundles))

    def run(self, work: Coroutine[Any, Any, Any], within: float = 30) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within)

    def apply(self, *bundles: Wanted) -> None:
        self._in_loop(partial(_each, self.applier.apply, bundles))

    def remove(self, *keys: str) -> None:
        self._in_loop(partial(_each, self.applier.remove, keys))

    def renew(self) -> None:
        self._in_loop(self.applier.renew)

    def status(self, key: str) -> Status | None:
        """What was said of it last."""
        return self._said[key][1] if key in self._said else None

    def reach(self, bundle: Wanted, phase: Phase = Phase.READY, *, within: float = 30) -> Status:
        def there() -> bool:
            digest, status = self._said.get(bundle.key, ("", None))
            return digest == bundle.digest and status is not None and status.phase == phase

        wait_until(there, within=within, what=f"{bundle.key} {phase}, which is {self.status(bundle.key)}")
        found = self.status(bundle.key)
        assert found
        return found

    def reach_gone(self, key: str) -> None:
        def gone() -> bool:
            found = self.status(key)
            return found is not None and found.phase is Phase.PRUNED

        wait_until(gone, within=40, what=f"{key} to go")

    def bring_up(self, *gateways: Gateway) -> None:
        for gateway in gateways:
            self.apply(*gateway.bundles())
        for gateway in gateways:
            for bundle in gateway.bundles():
                self.reach(bundle)

    def pid(self, gateway: Gateway) -> int:
        return int(self.engine.pids()[gateway.name, "all"])

    def envoy(self) -> int:
        return int(wait_until(lambda: self.engine.proxy.pid, what="Envoy"))

    def stop(self) -> None:
        if self._loop.is_closed():
            return
        try:
            self.run(self.applier.stop())
            left = self.run(_others())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        assert not left, f"tasks that nobody ended: {left}"
        assert not self.failures, self.failures
        assert not children(), children()

    def _hear(self, key: str, digest: str, status: Status) -> None:
        self.reports.append((key, digest, status))
        self._said[key] = digest, status

    def _in_loop(self, work: Any) -> None:
        async def do() -> None:
            work()

        self.run(do())


def _each(do: Callable[[Any], None], given: Iterable[Any]) -> None:
    for one in given:
        do(one)


async def _others() -> list[str]:
    await asyncio.sleep(0.05)
    return [str(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]


def children() -> list[str]:
    """Of this process, that are Envoys, runtimes or about to be; other tests' Denos aren't."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            command = child.cmdline()
            if child.status() != psutil.STATUS_ZOMBIE and {Path(word).name for word in command} & OURS:
                found.append(" ".join(command)[:100])
    return found


def call(
    port: int, host: str, path: str = "/", *, method: str = "GET", body: bytes | None = None, within: float = 5
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=within)
    try:
        connection.request(method, path, body=body, headers={"Host": host})
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text.startswith(b"{") else text
    finally:
        connection.close()


@contextlib.contextmanager
def place(folder: Path, **options: Any) -> Iterator[Place]:
    found = Place(folder, **options)
    try:
        yield found
    finally:
        found.stop()
