"""Limits of processes: groups of the kernel, where there are some."""

import asyncio
import mmap
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.engine.children import Child
from agent.engine.limits import Cgroups, Limit, own_cgroup, own_memory, remove_cgroup


@pytest.fixture
def group() -> Iterator[Path]:
    """A group of version 2 that may be divided."""
    own = own_cgroup()
    if own is None or not os.access(own, os.W_OK):
        pytest.skip("this user may make no cgroups here")
    found = own / f"imp-trial-{os.getpid()}"
    found.mkdir()
    yield found
    for each in (*found.iterdir(), found):
        if each.is_dir():
            remove_cgroup(each)


def test_a_process_lives_in_its_group_and_goes_with_it(group: Path, tmp_path: Path) -> None:
    async def trial() -> None:
        cgroups = Cgroups(group)
        limit = Limit.make(cgroups, "one", memory_mb=256, milli_cpu=500)
        assert limit.cgroup is not None
        child = await Child.start(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            folder=tmp_path,
            environment={},
            hear=lambda line: None,
            cgroup=limit.cgroup,
        )
        while "imp-run-one" not in Path(f"/proc/{child.pid}/cgroup").read_text():
            await asyncio.sleep(0.01)
        if (limit.cgroup / "memory.max").exists():
            assert (limit.cgroup / "memory.max").read_text().strip() == str(256 * 1024 * 1024)
        # Left by an agent that was killed: the next one takes it away
        cgroups.clear()
        await child.wait()
        cgroups.clear()
        assert not limit.cgroup.exists()

    asyncio.run(trial())


def test_where_controllers_are_missing_nothing_is_divided(group: Path) -> None:
    assert Cgroups.divide(group, ("no-such-controller",)) is None
    assert not (group / "imp-agent").exists()


def test_memory_of_its_own_is_counted_and_none_of_one_that_went() -> None:
    before = own_memory(os.getpid())
    # Pages of its own: of the heap, some may be there that something before has let go
    with mmap.mmap(-1, 50_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as kept:
        kept.write(b"x" * 50_000_000)
        assert own_memory(os.getpid()) - before > 40_000_000
    assert own_memory(2**22 + 1) == 0
