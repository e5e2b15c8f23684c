"""What `manage.py up` runs, said once for each part. The product's own list is `portal/processes.py`."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from apps.core.up.probes import Probe

# Its value is the state folder; everything that the supervisor starts carries it in its environment
MARKER = "IMP_SUPERVISOR"


class UpError(Exception):
    """Nothing can be started; the message says what to do."""


@dataclass(frozen=True)
class Plan:
    """What this run decided before it started anything."""

    base: Path
    state: Path
    web_port: int
    live_port: int
    agents_port: int
    gateway_port: int
    embedded_postgres: bool

    @property
    def address(self) -> str:
        return f"http://localhost:{self.web_port}"


@dataclass(frozen=True)
class Step:
    """Runs to its end once, before what comes after it."""

    name: str
    command: tuple[str, ...]
    after: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    colour: str = "white"


@dataclass(frozen=True)
class Process:
    """Runs for as long as the product runs, and is started again when it dies or hangs."""

    name: str
    command: tuple[str, ...]
    probe: Probe
    after: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    colour: str = "cyan"
    # A regular expression of lines that aren't worth a person's attention
    hidden: str = ""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 2.5
    start_seconds: float = 60.0
    hang_seconds: float = 30.0
    # Seconds to wait after the first, second, ... death within a minute
    backoff: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0)
    # Between tries once it was given up: what it lacked may have come back
    rest_seconds: float = 60.0


Part = Step | Process
