"""How many connections the server of gateways' databases takes, and that somebody says so before they run out."""

from dataclasses import replace

import pytest

from apps.core.doctor.findings import Level
from apps.gateways import databases, doctor
from apps.gateways.lifecycle.table import State
from apps.gateways.sizes import Layout
from apps.tenants.models import Tenant
from tests.gateways.world import make_cluster, make_gateway

pytestmark = pytest.mark.django_db


def test_gateways_roles_leave_connections_to_the_platform() -> None:
    """Whatever all of them take together; and are there for a hundred gateways. Of the embedded server, that is."""
    server = databases.look_at_server()
    with databases._server() as asked:
        [[whole]] = asked.execute("SELECT current_setting('max_connections')::int").fetchall()
    assert whole - server.most >= 100
    assert 0 < server.used < server.most
    # Two processes of a hundred gateways while they're busy
    assert server.most >= 2 * 100 * doctor.BUSY


def test_the_doctor_says_when_connections_run_out(tidewater: Tenant) -> None:
    cluster = make_cluster()
    make_gateway(tidewater, cluster, layout=Layout.PER_STAGE)
    make_gateway(tidewater, cluster, "stopped", state=State.STOPPED)
    assert doctor.count_processes() == 3
    server = databases.look_at_server()
    for most, used, level in ((2, 0, Level.ERROR), (8, 0, Level.WARNING), (10, 9, Level.WARNING)):
        (finding,) = doctor.findings_of_connections(replace(server, most=most, used=used), 3)
        assert (finding.level, "max_connections" in finding.do) == (level, True)
    assert not list(doctor.findings_of_connections(replace(server, most=10, used=8), 3))
