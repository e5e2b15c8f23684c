"""A gateway with a database of its own and the functions of somebody who may change them, without a cluster."""

import base64
import json
from collections.abc import Callable
from typing import Any

import psycopg

from apps.core import clock
from apps.functions.models import Function
from apps.functions.publishing import push_due
from apps.functions.services import create_function, save_function
from apps.gateways import databases, store
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.tenants.member import Member
from apps.tenants.models import Membership, Tenant
from tests.gateways.world import make_cluster, make_gateway
from tests.runtime.processes import Process

Start = Callable[..., Process]
PASSWORD, RUNTIME_PASSWORD, RUN_KEY = "of-its-functions", "of-its-runtimes", "of-the-platforms-own-calls"


def answers(text: str) -> dict[str, str]:
    return {"index.ts": f"export default async () => ({{ answer: {text!r} }});"}


class Place:
    """What it stands on is real: its database, and the role that its runtimes have."""

    def __init__(self, tenant: Tenant) -> None:
        cluster = make_cluster()
        self.gateway: FunctionGateway = make_gateway(tenant, cluster, phase=Phase.STARTED, due_at=None)
        self.name = databases.name_of(self.gateway.pk)
        self.make_database()
        GatewayDatabase.objects.create(
            tenant=tenant, gateway=self.gateway, name=self.name, password=PASSWORD, runtime_password=RUNTIME_PASSWORD,
            run_key=RUN_KEY, made_at=clock.now(), compared_at=clock.now(),
        )  # fmt: skip
        membership = Membership.objects.select_related("tenant", "person").get(tenant=tenant, role="owner")
        self.actor = Member.of(membership)

    def make_database(self) -> None:
        databases.make_database(self.name, PASSWORD)
        store.prepare(self.name, RUNTIME_PASSWORD)

    def make(self, name: str = "dev/hello", answer: str = "1", **more: Any) -> Function:
        return create_function(actor=self.actor, gateway=self.gateway, name=name, files=answers(answer), **more)

    def save(self, function: Function, answer: str, **more: Any) -> Function:
        base = Function.objects.values_list("version", flat=True).get(pk=function.pk)
        return save_function(
            actor=self.actor, function=function, files=answers(answer), **{"base_version": base, **more}
        )

    def ask(self, query: str, values: Any = None) -> list[tuple[Any, ...]]:
        with store.connect(self.gateway.pk) as there:
            found = there.execute(query, values)
            return found.fetchall() if found.description else []

    def there(self) -> dict[str, tuple[int, bool]]:
        """By name: its version, and whether it's a tombstone."""
        rows = self.ask("SELECT name, version, is_deleted FROM imp.functions WHERE expires_at IS NULL")
        return {name: (version, is_deleted) for name, version, is_deleted in rows}

    def revisions(self) -> dict[str, int]:
        return dict(self.ask("SELECT name, revision FROM imp.functions"))  # type: ignore[arg-type]

    @property
    def spec(self) -> dict[str, Any]:
        """What its processes are told of it."""
        return {
            "runtime_url": databases.url_of(self.name, RUNTIME_PASSWORD, role=databases.runtime_role_of(self.name)),
            "database_url": databases.url_of(self.name, PASSWORD),
            "run_key": base64.urlsafe_b64encode(RUN_KEY.encode()).decode().rstrip("="),
            "logs": "database",
        }


def fresh(function: Function) -> Function:
    return Function.objects.select_related("gateway", "head").get(pk=function.pk)


def answer_of(process: Process, path: str = "/dev/hello") -> Any:
    response, content = process.ask(path)
    return json.loads(content)["answer"] if response.status == 200 else response.status


def push_due_now() -> int:
    """As if everything were due by now."""
    Function.objects.filter(publish_due_at__isnull=False).update(publish_due_at=clock.now())
    return push_due()


def unreachable(*_: object) -> int:
    """In the place of a push."""
    raise store.Away from psycopg.OperationalError("the server is away")
