"""What is there of the trial's gateways, counted where it is: in PostgreSQL, in Envoy, among processes and files."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.faults.product import Product

# A step that is done again without the phase having been entered again
TWICE = """
WITH lines AS (
    SELECT subject_id, step, kind, id,
           count(*) FILTER (WHERE kind IN ('moved', 'wished')) OVER (PARTITION BY subject_id ORDER BY id) AS visit
    FROM core_lifecycleevent WHERE machine IN ('gateway', 'domain')
)
SELECT subject_id, visit, step, count(*) FROM lines WHERE kind = 'done' GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
DONE = "SELECT count(*) FROM core_lifecycleevent WHERE machine IN ('gateway', 'domain') AND kind = 'done'"
LEFT = """
SELECT 'bundle ' || key FROM fleet_bundle WHERE split_part(key, '/', 2) IN
    (SELECT id FROM gateways_functiongateway WHERE name LIKE 'chaos-%')
UNION ALL SELECT 'database ' || datname FROM pg_database WHERE datname LIKE 'gw_db_%' AND datname NOT IN
    (SELECT d.name FROM gateways_gatewaydatabase d)
UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname ~ '^gw_(db|rt)_' AND
    replace(rolname, 'gw_rt_', 'gw_db_') NOT IN (SELECT d.name FROM gateways_gatewaydatabase d)
UNION ALL SELECT 'database of ' || g.name FROM gateways_gatewaydatabase d JOIN gateways_functiongateway g
    ON g.id = d.gateway_id WHERE g.name LIKE 'chaos-%'
UNION ALL SELECT 'domain of ' || g.name FROM gateways_runtimedomain d JOIN gateways_functiongateway g
    ON g.id = d.gateway_id WHERE g.name LIKE 'chaos-%'
UNION ALL SELECT 'stage of ' || g.name FROM gateways_stage s JOIN gateways_functiongateway g
    ON g.id = s.gateway_id WHERE g.name LIKE 'chaos-%'
"""
COUNTS = """
SELECT (SELECT count(*) FROM pg_database WHERE datname LIKE 'gw_db_%'),
       (SELECT count(*) FROM pg_roles WHERE rolname ~ '^gw_(db|rt)_'),
       (SELECT count(*) FROM gateways_stage),
       (SELECT count(*) FROM gateways_runtimedomain),
       (SELECT count(*) FROM fleet_bundle)
"""
COUNTED = ("databases", "roles", "stages", "domains", "bundles")


def counts(product: Product) -> dict[str, int]:
    """By what is counted; the demo's are among them."""
    with product.connect() as connection:
        row = connection.execute(COUNTS).fetchone()
    assert row is not None
    engine = product.state / "agent"
    return {
        **dict(zip(COUNTED, row, strict=True)),
        "routes in Envoy": len(list(_scopes(_asked_of_envoy(engine)))),
        "folders": len(list((engine / "engine" / "gateways").iterdir())),
        # Of processes; their ways out have others
        "sockets": len([each for each in engine.glob("s/*.sock") if not each.name.startswith(("out-", "ways"))]),
        "processes": len(below_agent(product, "deno")),
        "open ports": len(_open_ports(product)),
    }


def less(more: Mapping[str, int], fewer: Mapping[str, int]) -> dict[str, int]:
    return {name: number - fewer[name] for name, number in more.items()}


def below_agent(product: Product, program: str) -> set[int]:
    found = set()
    for pid in product.processes_of("agent"):
        try:
            if psutil.Process(pid).name() == program:
                found.add(pid)
        except psutil.Error:
            continue
    return found


def _asked_of_envoy(engine: Path) -> Any:
    """How many hosts it has a route for, as it says itself."""
    [path] = engine.glob("**/admin.sock")
    connection = http.client.HTTPConnection("localhost", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(5)
    connection.sock.connect(str(path))
    try:
        connection.request("GET", "/config_dump?resource=dynamic_scoped_route_configs")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def _scopes(found: Any) -> Iterator[Any]:
    for config in found.get("configs", []):
        yield from config.get("scoped_route_configs", [config])


def _open_ports(product: Product) -> set[int]:
    """Where any process of the product listens."""
    ours = product.everything()
    listening = psutil.net_connections("tcp")
    return {each.laddr.port for each in listening if each.status == psutil.CONN_LISTEN and each.pid in ours}
