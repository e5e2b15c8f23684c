"""What is rendered: a gateway as plain values, read from the database once."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StageSpec:
    name: str
    hosts: tuple[str, ...]
    # Empty: it serves
    inactive_because: str = ""
    is_active: bool = True


@dataclass(frozen=True)
class ProcessSpec:
    name: str
    stages: tuple[str, ...]


@dataclass(frozen=True)
class GatewaySpec:
    id: str
    name: str
    title: str
    namespace: str
    milli_cpu: int
    memory_mb: int
    restarts: int
    stages: tuple[StageSpec, ...]
    processes: tuple[ProcessSpec, ...]
    # Those that the routes lead to: others, while the layout changes
    routed: tuple[ProcessSpec, ...]
    database_url: str = field(repr=False)
    variables: dict[str, str] = field(repr=False)
    secrets: dict[str, str] = field(repr=False)
    # Of the role of its runtimes, and what calls from the console are signed with
    runtime_url: str = field(repr=False, default="")
    run_key: str = field(repr=False, default="")
    egress_mode: str = "none"
    egress_hosts: tuple[str, ...] = ()
    # Where callers read about the problems that they're told of
    problem_types: str = "/errors/"
