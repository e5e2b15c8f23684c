"""What every service of triggers promises: who may, the wall around the workspace, and what is written down."""

from typing import Any, ClassVar

from apps.accounts.models import User
from apps.functions.models import Function
from apps.tenants.models import Tenant
from apps.triggers.models import Trigger, TriggerRun
from tests.tenants.contract import WorkspaceServiceContract
from tests.triggers.world import make_function, make_serving, make_trigger


def some_trigger(tenant: Tenant, **values: Any) -> Trigger:
    gateway = make_serving(tenant, name=f"gateway-{Function.objects.count() + 1}")
    make_function(gateway)
    return make_trigger(gateway, **values)


class TriggerServiceContract(WorkspaceServiceContract):
    watched = (Trigger, TriggerRun)
    is_enabled: ClassVar[bool] = True

    def make(self, alice: User, bob: User) -> Trigger:
        return some_trigger(self.tidewater, is_enabled=self.is_enabled)
