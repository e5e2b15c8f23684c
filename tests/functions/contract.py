"""What every service of functions promises: who may in which stage, the wall around the workspace, what is written."""

from itertools import count
from typing import Any

from apps.accounts.models import User
from apps.core import clock
from apps.functions.files import hashes_of
from apps.functions.models import Artifact, Draft, Function, FunctionVersion
from apps.functions.services import create_function, delete_function
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from tests.gateways.contract import some_gateway
from tests.tenants.contract import WorkspaceServiceContract
from tests.tenants.world import member

_numbers = count(1)
HANDLER = 'export default async () => ({ said: "%s" });\n'
FILES = {"handler.ts": HANDLER % "hello"}


def says(text: str) -> dict[str, str]:
    return {"handler.ts": HANDLER % text}


def some_function(
    actor: Member, gateway: FunctionGateway | None = None, name: str = "", *, deleted: bool = False, **values: Any
) -> Function:
    """Made as people make one."""
    gateway = gateway or some_gateway(actor.tenant, actor.person)
    wanted = {"files": FILES, "name": name or f"user/number-{next(_numbers)}", **values}
    function = create_function(actor=actor, gateway=gateway, **wanted)
    if deleted:
        delete_function(actor=actor, function=function)
    return Function.objects.select_related("gateway", "head").get(pk=function.pk)


def function_row(gateway: FunctionGateway, name: str = "dev/user/me", *, deleted: bool = False) -> Function:
    """As rows alone, in its second version: where the workspace isn't one in which people could make it."""
    stage, _, base_name = name.partition("/")
    of = {"tenant_id": gateway.tenant_id}
    artifact, _is_new = Artifact.objects.get_or_create(
        gateway=gateway, digest="0" * 64, defaults={**of, "code": "", "source_map": "", "compiler": "none"}
    )
    row = Function.objects.create(
        **of,
        gateway=gateway,
        stage=stage,
        base_name=base_name,
        version=2,
        deleted_at=clock.now() if deleted else None,
    )
    for number, timeout_ms in ((1, 500), (2, 10_000)):
        values = {**of, "files": FILES, "hashes": hashes_of(FILES), "entrypoint": "handler.ts", "artifact": artifact}
        row.head = FunctionVersion.objects.create(
            **values, function=row, number=number, kind="saved", base_name=base_name, timeout_ms=timeout_ms
        )
    row.save(update_fields=["head"])
    return row


class FunctionServiceContract(WorkspaceServiceContract):
    """Operators don't write code in somebody's workspace."""

    watched = (Function, FunctionVersion, Artifact, Draft)

    def make(self, alice: User, bob: User) -> Any:
        return some_function(member(alice, self.tidewater))
