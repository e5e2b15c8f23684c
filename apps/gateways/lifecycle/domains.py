"""What each phase of a gateway's domain does: its routes come and go, and nothing else does."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from apps.gateways.lifecycle.parts import want, want_no
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import RuntimeDomain
from apps.gateways.rendering.routes import render_routes
from apps.gateways.selectors import spec_of


def serve(domain: RuntimeDomain) -> None:
    want(domain.gateway, "routes", render_routes(spec_of(domain.gateway)), holder=domain)


def close(domain: RuntimeDomain) -> None:
    want_no(domain.gateway, "routes", holder=domain)


# Before it serves, its row is all that there is of it
ACTS: Mapping[Phase, Callable[[RuntimeDomain], None]] = MappingProxyType(
    {
        Phase.STARTING: serve,
        Phase.STOPPING: close,
        Phase.DELETING: close,
    }
)
