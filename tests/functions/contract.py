"""What every service of functions promises: who may in which stage, the wall around the workspace, what is written."""

from itertools import count
from typing import Any, ClassVar

from apps.accounts.models import User
from apps.core.errors import NotAllowed, NotFound, Problem
from apps.functions.models import Artifact, Draft, Function, FunctionVersion
from apps.functions.services import create_function, delete_function
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.gateways.contract import some_gateway
from tests.tenants.contract import TenantServiceContract
from tests.tenants.world import make_member, member

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


def owner_of(tenant: Tenant) -> Member:
    """Somebody more, who may do everything there."""
    return make_member(f"maker{next(_numbers)}", tenant, Role.OWNER)


class FunctionServiceContract(TenantServiceContract):
    """Operators don't write code in somebody's workspace."""

    watched = (Function, FunctionVersion, Artifact, Draft)
    allowed = ("alice",)
    refused: ClassVar[dict[str, type[Problem]]] = {
        "bob": NotAllowed,
        "charlie": NotFound,
        "operator": NotAllowed,
        "administrator": NotAllowed,
    }

    def make(self, alice: User, bob: User) -> Any:
        return some_function(member(alice, self.tidewater))
