"""How a custom domain stands, for pages and programs: whether it serves, what keeps it from that, and what to do."""

from dataclasses import dataclass
from datetime import datetime

from apps.core.lifecycle.timeline import told
from apps.gateways.certificates import CertificateStatus, certificate_status
from apps.gateways.hosts import challenge_of
from apps.gateways.lifecycle.custom_domains import GRACE
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import CustomDomain, FunctionGateway, RuntimeDomain
from apps.gateways.selectors import hosts_of


@dataclass(frozen=True)
class Record:
    """One to make in DNS. `purpose`: `proof` or `calls`."""

    purpose: str
    type: str
    name: str
    value: str


@dataclass(frozen=True)
class CustomStanding:
    domain: CustomDomain
    stage: str
    is_serving: bool
    # What is wrong, in the reader's language
    because: str
    records: tuple[Record, ...]
    next_check_at: datetime | None
    # Without its record it's served until then
    ends_at: datetime | None
    certificate: CertificateStatus


def custom_standing(gateway: FunctionGateway, domain: CustomDomain, stage: str) -> CustomStanding:
    routes: RuntimeDomain | None = getattr(gateway, "domain", None)
    has_routes = routes is not None and routes.phase == Phase.STARTED and not routes.is_changed
    return CustomStanding(
        domain=domain,
        stage=stage,
        is_serving=domain.proven_at is not None and has_routes,
        because=told(domain.because, domain.because_of),
        records=(
            Record("proof", "TXT", challenge_of(domain.host), domain.token),
            Record("calls", "CNAME", domain.host, hosts_of(gateway, stage)[0]),
        ),
        next_check_at=domain.due_at or domain.check_at,
        ends_at=domain.missing_at + GRACE if domain.missing_at else None,
        certificate=certificate_status(gateway.cluster),
    )
