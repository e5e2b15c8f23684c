"""Why a gateway doesn't move, and what may be done about it, for people.

    sight.py     what can be seen of a gateway at one moment; which gateways are stuck
    rules.py     from that to findings
    remedies.py  what may be done, and what each of it would do now

Everything in here is a value: the page shows it, the API sends it, `services/mending.py` does it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from apps.core.errors import Text
from apps.core.lifecycle.timeline import told
from apps.fleet.models import Agent, Bundle
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain


@dataclass(frozen=True)
class Sentence:
    """English for gettext, with its parts by name; `str()` tells it in the reader's language."""

    text: str
    parts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return told(self.text, {name: str(part) for name, part in self.parts.items()})


@dataclass(frozen=True)
class Sight:
    """A gateway and what it's made of, at one moment."""

    at: datetime
    gateway: FunctionGateway
    domain: RuntimeDomain | None
    stages: int
    variables: int
    database: GatewayDatabase | None
    # By part: namespace, configuration, runtime, routes
    bundles: Mapping[str, Bundle]
    # Those of its cluster that aren't revoked
    agents: tuple[Agent, ...]


@dataclass(frozen=True)
class Part:
    """A line of what it's made of: what is wanted of it, and what is."""

    name: str
    label: Text
    wanted: Text | Sentence
    found: Text | Sentence
    is_well: bool


@dataclass(frozen=True)
class Finding:
    """What one rule says. `because` follows "Stuck because"; `explanation` says what that means, and for callers."""

    rule: str
    because: Sentence
    explanation: Sentence
    # Since when it has been so, as far as can be told
    since: datetime
    # Or else it's only slow: said on the gateway's own page, not listed for operators
    is_stuck: bool
    # Which remedy helps best
    advised: "Cure"


class Cure(StrEnum):
    """What `mend_gateway` takes."""

    FINISH = "finish"
    START = "start"
    RETRY = "retry"
    RELEASE = "release"
    FORCE = "force"


@dataclass(frozen=True)
class Remedy:
    """Something an operator may do, and what it would do now."""

    cure: Cure
    label: Text
    summary: Sentence
    does: tuple[Sentence, ...]
    # The phase it ends in
    ends_as: Text
    callers: Sentence
    keeps: Sentence
    undo: Sentence
    # Each of it is a normal step of the life cycle, checked before it acts, and nothing of value is lost
    is_safe: bool
    permission: str
    # Set: it can't be done now, and why
    cant_because: Sentence | None = None
    needs_reason: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What is to be said of a gateway that isn't where it should be; the first finding is the one to tell."""

    sight: Sight
    findings: tuple[Finding, ...]
    parts: tuple[Part, ...]
    # What calls meet while nothing is done
    callers: Sentence
    remedies: tuple[Remedy, ...]

    @property
    def gateway(self) -> FunctionGateway:
        return self.sight.gateway

    @property
    def since(self) -> datetime:
        return self.main.since

    @property
    def is_stuck(self) -> bool:
        return any(finding.is_stuck for finding in self.findings)

    @property
    def main(self) -> Finding:
        return self.findings[0]

    @property
    def advised(self) -> Remedy:
        return self.remedy(self.main.advised)

    def remedy(self, cure: str) -> Remedy:
        return next(each for each in self.remedies if each.cure == cure)
