from typing import Any

import pytest

from apps.accounts.models import User
from apps.logs.models import LogRetention
from apps.logs.services import change_retention
from apps.tenants.member import Member
from tests.gateways.contract import GatewayServiceContract

pytestmark = pytest.mark.django_db


class TestChangeRetention(GatewayServiceContract):
    watched = (LogRetention,)
    verb = "gateway.log_retention_changed"

    def act(self, actor: Member, row: Any) -> Any:
        return change_retention(actor=actor, gateway=row, days=30)


class TestChangeItAgain(GatewayServiceContract):
    watched = (LogRetention,)
    verb = "gateway.log_retention_changed"

    def make(self, alice: User, bob: User) -> Any:
        gateway = super().make(alice, bob)
        LogRetention.objects.create(tenant=self.tidewater, gateway=gateway, days=3)
        return gateway

    def act(self, actor: Member, row: Any) -> Any:
        return change_retention(actor=actor, gateway=row, megabytes=64)
