"""From the portal's commit to what the agent applied, and a whole cluster brought to an agent that knows nothing.

The agent is the real one with the applier that only remembers, so what is measured is delivery. Beside each, in the
same run and taking turns: a bare notification from one connection to another; for the whole, reading and opening the
same bundles in one process.

python -m benchmarks.delivery
"""

import os
import random
import shutil
import threading
import time
from collections.abc import Iterator

import psycopg

from benchmarks.engine import Engine, engine, wait_until
from benchmarks.harness import percentile, record

ROUNDS = 200
GOAL_MS = 100.0
BUNDLES = 5_000
GOAL_SYNC = 30.0


def main() -> None:
    record(name="delivery: load of the machine at the beginning", value=os.getloadavg()[0], unit="")
    with engine(applier="memory") as found:
        found.start("agents", "agent")
        found.wait_for_agent()
        one_by_one(found)
        whole(found)


def manifests(number: int) -> list[dict[str, object]]:
    """About as much as a gateway's routes."""
    spec = {"number": number, "hosts": [f"gateway-{number}.{stage}.localhost" for stage in ("dev", "staging", "prod")]}
    spec["resource"] = "r" * 1_500
    head = {"api_version": "local.imp.dev/v1", "kind": "Routes", "namespace": f"gateway-{number}"}
    return [{**head, "name": "routes", "wave": 0, "spec": spec}]


def one_by_one(found: Engine) -> None:
    from apps.fleet.models import Bundle
    from apps.fleet.services.bundles import put_bundle

    delays, bare = [], []
    echo = Echo()
    for number in range(ROUNDS):
        put_bundle(cluster_id=found.cluster.pk, key=f"bench/one-{number}/part", manifests=manifests(number))
        committed = time.time()
        rows = Bundle.objects.filter(key=f"bench/one-{number}/part", phase=Bundle.Phase.READY)
        wait_until(rows.exists, "the bundle applied", pause=0.002)
        reported_at = rows.values_list("reported_at", flat=True).get()
        assert reported_at is not None
        delays.append((reported_at.timestamp() - committed) * 1000)
        bare.append(echo.ask() * 1000)
        time.sleep(random.uniform(0.01, 0.05))
    echo.close()
    for percent in (50, 99):
        ours = percentile(delays, percent)
        goal = GOAL_MS if percent == 99 else None
        record(
            name=f"delivery: commit to applied and heard of, p{percent}, against a bare notification", value=ours,
            unit="ms", baseline=percentile(bare, percent), goal=goal, holds=ours <= goal if goal else None,
        )  # fmt: skip


def whole(found: Engine) -> None:
    """An agent in an empty folder gets everything there is, in one go."""
    from apps.fleet.models import Agent, Bundle, Cluster
    from apps.fleet.services.bundles import put_bundle

    agent = found.processes.pop("agent")
    agent.terminate()
    agent.wait()
    identity = (found.folder / "agent" / "identity.json").read_bytes()
    place = (found.folder / "agent" / "place").read_bytes()
    for number in range(BUNDLES - ROUNDS):
        put_bundle(cluster_id=found.cluster.pk, key=f"bench/whole-{number}/part", manifests=manifests(number))
    began = time.perf_counter()
    size = sum(len(bundle.manifests.reveal()) for bundle in Bundle.objects.iterator())
    by_hand = time.perf_counter() - began
    # The same agent, as it came; of what was delivered it has lost all
    shutil.rmtree(found.folder / "agent")
    (found.folder / "agent").mkdir(mode=0o700)
    (found.folder / "agent" / "identity.json").write_bytes(identity)
    (found.folder / "agent" / "place").write_bytes(place)
    Bundle.objects.update(phase=Bundle.Phase.PENDING, reported_digest="")
    revision = Cluster.objects.values_list("revision", flat=True).get(pk=found.cluster.pk)
    found.start("agent")
    wait_until(lambda: Agent.objects.exclude(session_id="").exists(), "the agent connected", pause=0.002)
    began = time.perf_counter()
    wait_until(lambda: Agent.objects.filter(applied_revision=revision).exists(), "everything applied")
    applied = time.perf_counter() - began
    waiting = Bundle.objects.exclude(phase=Bundle.Phase.READY)
    wait_until(lambda: not waiting.exists(), "everything heard of", pause=0.05)
    heard = time.perf_counter() - began
    told = f"delivery: {BUNDLES} bundles, {size / 1e6:.0f} MB"
    record(
        name=f"{told}, to an empty agent, against reading them", value=applied, unit="s", baseline=by_hand,
        goal=GOAL_SYNC, holds=applied <= GOAL_SYNC,
    )  # fmt: skip
    record(name=f"{told}, until the portal has heard of each", value=heard, unit="s", baseline=by_hand)


class Echo:
    """A listener on a connection of its own, which says when it heard."""

    def __init__(self) -> None:
        from apps.core.notify import parameters

        self._sender = psycopg.connect(**parameters(), autocommit=True)
        self._listener = psycopg.connect(**parameters(), autocommit=True)
        self._listener.execute("LISTEN bench_echo")
        self._heard = threading.Event()
        self._at = 0.0
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self) -> float:
        self._heard.clear()
        began = time.perf_counter()
        self._sender.execute("NOTIFY bench_echo")
        self._heard.wait()
        return self._at - began

    def close(self) -> None:
        self._sender.execute("NOTIFY bench_echo, 'end'")
        self._sender.close()

    def _listen(self) -> None:
        notifications: Iterator[psycopg.Notify] = self._listener.notifies()
        for heard in notifications:
            self._at = time.perf_counter()
            self._heard.set()
            if heard.payload:
                self._listener.close()
                return


if __name__ == "__main__":
    main()
