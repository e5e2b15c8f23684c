"""Many gateways on one machine: how long until all of them answer after a start of everything, and what they take.

100 gateways with 20 functions each, or as many as there is memory for. The baseline of the start is one gateway alone,
times as many; that of the memory is one bare Deno with a server, times the processes.

python -m benchmarks.density [how many gateways]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django
import psutil

from benchmarks.harness import record, scratch_database

GATEWAYS, FUNCTIONS = 100, 20
# Of two processes with an isolate beside the main one each, and what the server has for it; where there's less, fewer
# are made
GATEWAY_MB = 110
SHARE = 0.7
READY_WITHIN = 600
SOURCE = """
const rates: Record<string, number> = { kr: 3, de: 4 };
export default async (req: any, res: any) => res.json({ days: rates[req.query.to] ?? 7, path: req.path });
"""
BARE = "Deno.serve({ path: Deno.args[0], onListen: () => console.log('ready') }, () => new Response('ok'));"


def main() -> None:
    django.setup()
    from apps.functions.compiling import compile_files

    compiled = compile_files(files={"index.ts": SOURCE}, entrypoint="index.ts")
    free_mb = psutil.virtual_memory().available // 1_000_000
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else GATEWAYS
    count = max(1, min(wanted, int(free_mb * SHARE) // GATEWAY_MB))
    with tempfile.TemporaryDirectory(prefix="imp-dense-") as folder, scratch_database():
        alone, _ = started(Path(folder) / "alone", 1, compiled.code)
        took, memory_mb = started(Path(folder) / "all", count, compiled.code)
        bare_mb = bare(Path(folder)) * 2 * count
    what = f"density: {count} gateways of {FUNCTIONS} functions"
    record(name=f"{what}, all answer after", value=took, unit="s", baseline=alone * count)
    record(name=f"{what}, memory of their processes", value=memory_mb, unit="MB", baseline=bare_mb)
    record(name="density: memory of a gateway", value=memory_mb / count, unit="MB", baseline=bare_mb / count)


def started(folder: Path, count: int, code: str) -> tuple[float, float]:
    """Seconds from nothing to an answer of each, and the memory of all that runs functions."""
    from tests.agent.place import place
    from tests.escape.house import House

    houses: list[House] = []
    try:
        with place(folder) as found:
            for number in range(count):
                houses.append(House(found, f"dense-{number}"))
                houses[-1].keep({f"{stage}/f{n}": code for stage in ("dev", "prod") for n in range(FUNCTIONS // 2)})
            began = time.perf_counter()
            bundles = [bundle for house in houses for bundle in house.bundles()]
            found.apply(*bundles)
            for bundle in bundles:
                found.reach(bundle, within=READY_WITHIN)
            for house in houses:
                assert house.call("prod/f0?to=kr")[1]["days"] == 3
            took = time.perf_counter() - began
            return took, sum(memory_of(pid) for pid in found.engine.pids().values())
    finally:
        # Once the processes have gone, which are connected to them
        for house in houses:
            house.leave()


def bare(folder: Path) -> float:
    from agent.engine.instances import deno_program

    program, socket = folder / "bare.js", folder / "bare.sock"
    program.write_text(BARE)
    process = subprocess.Popen(
        [deno_program(), "run", "--quiet", "--no-config", "--allow-all", program, socket],
        stdout=subprocess.PIPE, env={"PATH": "/usr/bin:/bin", "DENO_DIR": str(folder / "deno")},
    )  # fmt: skip
    try:
        assert process.stdout
        process.stdout.readline()
        return memory_of(process.pid)
    finally:
        process.kill()
        process.wait()


def memory_of(pid: int) -> float:
    """In MB; what several share counts for each in part."""
    return float(psutil.Process(pid).memory_full_info().pss) / 1_000_000


if __name__ == "__main__":
    main()
