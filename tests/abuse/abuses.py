"""What functions do that they shouldn't, in dev; and how it goes on for prod, which shares the machine with them."""

import contextlib
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPException

from tests.escape.house import House

# Sources; each is called several times at once
ABUSES = {
    "endless loop": "export default async () => { for (;;); }",
    "heap": "export default async () => { const kept: number[][] = [];"
    " for (;;) kept.push(new Array(1000).fill(Math.random())); }",
    "array buffers": "const kept: Uint8Array[] = [];"
    " export default async () => { for (;;) kept.push(new Uint8Array(16 << 20).fill(1)); }",
    "log flood": "export default async () => { for (let i = 0; i < 1e6; i++) console.log('x'.repeat(1000) + i); }",
    "unresolved promises": "export default async () => {"
    " await Promise.race(Array.from({ length: 10_000 }, () => new Promise(() => {}))); }",
    "regular expression": "export default async () => String(/(a*)*b/.test('a'.repeat(40)))",
}
FINE = "export default async (req: any, res: any) => res.json({ ok: true })"
LIMIT_MS = 2000
ABUSERS = 3


@dataclass
class Calls:
    """Of prod, one after the other, for as long as it's told to."""

    house: House
    name: str = "prod/fine"
    pause: float = 0.01
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def make(self, ended: threading.Event) -> None:
        while not ended.is_set():
            began = time.perf_counter()
            try:
                status, said = self.house.call(self.name, within=30)
                if status != 200:
                    self.failures.append(f"{status} {said}")
            except (OSError, HTTPException) as error:
                self.failures.append(repr(error))
            self.seconds.append(time.perf_counter() - began)
            time.sleep(self.pause)


def abused(house: House, name: str) -> None:
    """Until what was called has been answered, or has gone with its process."""

    def call() -> None:
        with contextlib.suppress(OSError, HTTPException):
            house.call(f"dev/{name}", within=20)

    callers = [threading.Thread(target=call) for _ in range(ABUSERS)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()


def path_of(abuse: str) -> str:
    return abuse.replace(" ", "-")
