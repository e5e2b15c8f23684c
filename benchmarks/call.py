"""A call of a function, beside one of a bare Deno handler behind the same Envoy: at 1 and at 50 connections.

What comes on top is what makes it a function's: its own isolate, who it's for, its time limit, and its log.
"""

import asyncio
import contextlib
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import percentile, record, scratch_database

GOAL = 1.3
# Engines compile what is called often, each at its own time
WARM_UP_ROUNDS = 20
ROUNDS, CALLS_A_ROUND = 40, {1: 60, 50: 600}
BARE = """
const answer = JSON.stringify({ hello: "world" });
Deno.serve({ path: Deno.args[0], onListen: () => console.log("ready") }, () =>
  new Response(answer, { headers: { "content-type": "application/json; charset=utf-8" } }));
"""
FUNCTION = 'export default async (req, res) => ({ hello: req.query.name ?? "world" });'
SIDES = ("bare", "dev")


def main() -> None:
    import django

    django.setup()
    folder = Path(tempfile.mkdtemp(prefix="imp-bench-")).resolve()
    try:
        with scratch_database(), contextlib.ExitStack() as stack:
            runtime = stack.enter_context(_runtime(folder))
            bare = stack.enter_context(_bare(folder))
            port = stack.enter_context(_envoy(folder, {"bare": bare, "dev": runtime}))
            for connections in (1, 50):
                found = asyncio.run(_measure(port, connections))
                for percent, name in ((50, "p50"), (99, "p99")):
                    value, baseline = (percentile(found[side], percent) * 1000 for side in ("dev", "bare"))
                    record(
                        name=f"call {name}, {connections} connection{'s' if connections > 1 else ''}",
                        value=value, unit="ms", baseline=baseline, goal=GOAL, holds=value / baseline <= GOAL,
                    )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _runtime(folder: Path) -> Iterator[Path]:
    from apps.gateways import databases
    from tests.runtime.house import House
    from tests.runtime.processes import Process

    house = House(f"gw_db_bench_{folder.name[-8:].lower()}")
    process = Process(folder, **house.spec, memory_mb=256)
    try:
        process.until("ready")
        house.live("dev/hello", FUNCTION)
        yield process.socket
    finally:
        process.kill()
        house.end()
        databases.drop_database(house.name)


@contextlib.contextmanager
def _bare(folder: Path) -> Iterator[Path]:
    from agent.engine.instances import deno_program

    program, socket = folder / "bare.js", folder / "bare.sock"
    program.write_text(BARE)
    command = [deno_program(), "run", "--quiet", "--no-config", "--allow-all", str(program), str(socket)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        try:
            yield socket
        finally:
            process.kill()


@contextlib.contextmanager
def _envoy(folder: Path, sockets: dict[str, Path]) -> Iterator[int]:
    from agent.engine.envoys import envoy_program
    from benchmarks.engine import free_port, wait_until

    port = free_port()
    config = folder / "envoy.json"
    config.write_text(json.dumps(_config(port, sockets)))
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(
            [envoy_program(), "-c", config, "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"],
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: _answers(port), "Envoy")
        yield port
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return asyncio.run(_measure(port, 1, rounds=1, calls=1)) is not None
    except (OSError, asyncio.IncompleteReadError, AssertionError):
        return False


def _config(port: int, sockets: dict[str, Path]) -> dict[str, Any]:
    manager = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    http = {
        "@type": f"type.googleapis.com/{manager}",
        "stat_prefix": "in",
        "use_remote_address": True,
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": router}}],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": f"/{name}/"}, "route": {"cluster": name}} for name in sockets],
                }
            ]
        },
    }
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "in",
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                    "filter_chains": [{"filters": [{"name": manager, "typed_config": http}]}],
                }
            ],
            "clusters": [
                {
                    "name": name,
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": name,
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(path)}}}}]}],
                    },
                }
                for name, path in sockets.items()
            ],
        }
    }


async def _measure(port: int, connections: int, *, rounds: int = ROUNDS, calls: int = 0) -> dict[str, list[float]]:
    """Seconds of each call; the sides take turns in short rounds, so that a slow moment hits both."""
    calls = calls or CALLS_A_ROUND[connections]
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    drawn, order = random.Random(0), list(SIDES)
    wires = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    warm_up = WARM_UP_ROUNDS if rounds == ROUNDS else 0
    for turn in range(warm_up + rounds):
        drawn.shuffle(order)
        for side in order:
            rest = iter(range(calls))
            found = await asyncio.gather(*(_call(*wire, side, rest) for wire in wires))
            if turn >= warm_up:
                seconds[side] += [each for some in found for each in some]
    for _, writer in wires:
        writer.close()
    return seconds


async def _call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, side: str, rest: Iterator[int]
) -> list[float]:
    request = f"GET /{side}/hello HTTP/1.1\r\nhost: bench\r\nuser-agent: bench\r\naccept: */*\r\n\r\n".encode()
    found = []
    for _ in rest:
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n", 1)[0])
        body = await reader.readexactly(size)
        found.append(time.perf_counter() - begun)
        assert body == b'{"hello":"world"}', body
    return found


if __name__ == "__main__":
    main()
