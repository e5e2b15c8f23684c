import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import InvalidInput, NotAllowed, NotFound, StaleVersion
from apps.tenants import services
from apps.tenants.member import Member
from apps.tenants.models import Membership, Tenant
from apps.tenants.problems import LastOwner, TenantSuspended
from apps.tenants.roles import Role
from tests.tenants.contract import TenantServiceContract
from tests.tenants.world import join, make_member, member

pytestmark = pytest.mark.django_db


class TestChangeRole(TenantServiceContract):
    verb = "member.role_changed"

    def make(self, alice: User, bob: User) -> Membership:
        return self.make_member_of(self.tidewater)

    def act(self, actor: Member, row: Membership) -> Membership:
        return services.change_role(actor=actor, membership=row, role=Role.ADMIN)


def in_tidewater(person: User, tenant: Tenant) -> Membership:
    return Membership.objects.select_related("tenant", "person").get(person=person, tenant=tenant)


def test_it_says_what_the_role_was_and_in_whose_log(alice, bob, tidewater):
    services.change_role(actor=member(alice, tidewater), membership=in_tidewater(bob, tidewater), role="qa")
    event = AuditEvent.objects.get(verb="member.role_changed")
    assert (event.before, event.after) == ({"role": "viewer"}, {"role": "qa"})
    assert (event.tenant_id, event.target_label) == (tidewater.pk, "Bob")


def test_the_same_role_again_changes_and_says_nothing(alice, bob, tidewater):
    row = in_tidewater(bob, tidewater)
    services.change_role(actor=member(alice, tidewater), membership=row, role="viewer")
    assert in_tidewater(bob, tidewater).version == row.version
    assert not AuditEvent.objects.exists()


def test_a_role_of_the_other_kind_of_workspace_is_refused(alice, bob, tidewater):
    with pytest.raises(InvalidInput) as caught:
        services.change_role(actor=member(alice, tidewater), membership=in_tidewater(bob, tidewater), role="consumer")
    assert list(caught.value.fields) == ["role"]


def test_an_owner_makes_an_owner_and_an_admin_does_not(alice, bob, tidewater):
    admin = make_member("ada", tidewater, Role.ADMIN)
    row = in_tidewater(bob, tidewater)
    with pytest.raises(NotAllowed) as caught:
        services.change_role(actor=admin, membership=row, role=Role.OWNER)
    assert caught.value.extra["roles"] == ["owner"]
    services.change_role(actor=member(alice, tidewater), membership=row, role=Role.OWNER)
    assert in_tidewater(bob, tidewater).role == Role.OWNER


def test_an_admin_changes_no_owner(alice, bob, tidewater):
    join_as_second_owner(bob, tidewater)
    with pytest.raises(NotAllowed):
        services.change_role(
            actor=make_member("ada", tidewater, Role.ADMIN), membership=in_tidewater(alice, tidewater), role="viewer"
        )
    assert in_tidewater(alice, tidewater).role == Role.OWNER


def join_as_second_owner(person: User, tenant: Tenant) -> None:
    Membership.objects.filter(person=person, tenant=tenant).update(role=Role.OWNER)


def test_the_last_owner_stays_one(alice, bob, tidewater):
    alone = in_tidewater(alice, tidewater)
    with pytest.raises(LastOwner, match="Alice is the last owner of Tidewater"):
        services.change_role(actor=member(alice, tidewater), membership=alone, role=Role.ADMIN)
    join_as_second_owner(bob, tidewater)
    services.change_role(actor=member(alice, tidewater), membership=in_tidewater(alice, tidewater), role=Role.ADMIN)
    assert in_tidewater(alice, tidewater).role == Role.ADMIN


def test_an_owner_elsewhere_is_none_here(alice, bob, charlie, tidewater, hanbit):
    """Another workspace's owners don't count."""
    join(alice, hanbit, Role.OWNER)
    with pytest.raises(LastOwner):
        services.change_role(
            actor=member(alice, tidewater), membership=in_tidewater(alice, tidewater), role=Role.VIEWER
        )


def test_whoever_was_demoted_a_moment_ago_acts_in_the_role_they_have_now(alice, bob, tidewater):
    join_as_second_owner(bob, tidewater)
    as_owner = member(bob, tidewater)
    services.change_role(actor=member(alice, tidewater), membership=in_tidewater(bob, tidewater), role="viewer")
    with pytest.raises(NotAllowed):
        services.change_role(actor=as_owner, membership=in_tidewater(alice, tidewater), role="viewer")


def test_whoever_was_removed_a_moment_ago_finds_nothing(alice, bob, tidewater):
    join_as_second_owner(bob, tidewater)
    as_owner = member(bob, tidewater)
    services.remove_member(actor=member(alice, tidewater), membership=in_tidewater(bob, tidewater))
    with pytest.raises(NotFound):
        services.change_role(actor=as_owner, membership=in_tidewater(alice, tidewater), role="viewer")


def test_of_two_changes_of_one_member_the_second_is_refused(alice, bob, tidewater):
    stale = in_tidewater(bob, tidewater)
    services.change_role(actor=member(alice, tidewater), membership=in_tidewater(bob, tidewater), role="qa")
    with pytest.raises(StaleVersion):
        services.change_role(actor=member(alice, tidewater), membership=stale, role=Role.ADMIN)
    assert in_tidewater(bob, tidewater).role == "qa"


def test_a_suspended_workspace_changes_nothing(alice, bob, tidewater):
    acting, row = member(alice, tidewater), in_tidewater(bob, tidewater)
    services.suspend_tenant(actor=make_administrator(), tenant=tidewater, reason="Unpaid")
    with pytest.raises(TenantSuspended):
        services.change_role(actor=acting, membership=row, role="qa")
    assert in_tidewater(bob, tidewater).role == "viewer"


def make_administrator() -> User:
    return User.objects.create_user("yuna@imp.example", "x", is_staff=True, is_superuser=True)


def test_a_role_given_by_hand_is_no_longer_sso_s(alice, bob, tidewater):
    Membership.objects.filter(person=bob).update(given_by=Membership.GivenBy.SSO)
    services.change_role(actor=member(alice, tidewater), membership=in_tidewater(bob, tidewater), role="qa")
    assert in_tidewater(bob, tidewater).given_by == Membership.GivenBy.PERSON
