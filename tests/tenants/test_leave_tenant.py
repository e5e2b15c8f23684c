import pytest

from apps.accounts.models import User
from apps.core import clock
from apps.core.errors import NotFound
from apps.tenants import services
from apps.tenants.member import Member
from apps.tenants.models import Membership, Tenant
from apps.tenants.problems import LastOwner, TenantSuspended
from apps.tenants.roles import Role
from tests.tenants.contract import TenantServiceContract
from tests.tenants.world import join, member

pytestmark = pytest.mark.django_db


class TestLeaveTenant(TenantServiceContract):
    verb = "member.left"
    allowed = ("bob",)
    refused = {"alice": LastOwner, "charlie": LastOwner, "operator": NotFound, "administrator": NotFound}

    def make(self, alice: User, bob: User) -> None:
        return None

    def act(self, actor: Member, row: None) -> None:
        services.leave_tenant(actor=actor)


def test_one_of_two_owners_may_go(alice, bob, tidewater):
    Membership.objects.filter(person=bob).update(role=Role.OWNER)
    services.leave_tenant(actor=member(alice, tidewater))
    assert not Membership.objects.filter(person=alice).exists()
    with pytest.raises(LastOwner):
        services.leave_tenant(actor=member(bob, tidewater))


def test_only_this_workspace_is_left(bob, tidewater, hanbit):
    join(bob, hanbit)
    services.leave_tenant(actor=member(bob, tidewater))
    assert [each.tenant for each in Membership.objects.filter(person=bob)] == [hanbit]


def test_nobody_leaves_a_suspended_workspace(bob, tidewater):
    Tenant.objects.update(suspended_at=clock.now(), suspended_because="Unpaid")
    with pytest.raises(TenantSuspended):
        services.leave_tenant(actor=member(bob, tidewater))
