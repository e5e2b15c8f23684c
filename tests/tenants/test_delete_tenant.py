import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import NotAllowed, StaleVersion
from apps.core.mail.models import OutgoingMail
from apps.core.walls import walled
from apps.tenants import services
from apps.tenants.member import Member
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Role
from tests.tenants.contract import TenantServiceContract, make_invitation
from tests.tenants.world import join, make_member, make_tenant, member

pytestmark = pytest.mark.django_db


class TestDeleteTenant(TenantServiceContract):
    verb = "tenant.deleted"
    refused = {"bob": NotAllowed, "operator": NotAllowed}

    def make(self, alice: User, bob: User) -> Tenant:
        Tenant.objects.filter(name="Doomed").delete()
        doomed = make_tenant("Doomed")
        join(alice, doomed, Role.OWNER)
        join(bob, doomed, Role.ADMIN)
        return doomed

    def call(self, actor: User, row: Tenant) -> None:
        acting = Member.of_operator(actor, row) if actor.is_staff else member(actor, row)
        services.delete_tenant(actor=acting)


@pytest.mark.parametrize("inside", [True, False])
def test_everything_of_it_goes_and_nothing_of_others(alice, bob, charlie, tidewater, hanbit, inside):
    make_invitation(tidewater, alice)
    kept = make_invitation(hanbit, charlie)
    acting = member(alice, tidewater)
    if inside:
        with walled(tidewater.pk):
            services.delete_tenant(actor=acting)
    else:
        services.delete_tenant(actor=acting)
    assert list(Tenant.objects.all()) == [hanbit]
    assert [each.person for each in Membership.objects.all()] == [charlie]
    assert list(Invitation.objects.all()) == [kept]
    assert User.objects.filter(pk__in=[alice.pk, bob.pk]).count() == 2


def test_the_log_keeps_what_it_was(alice, tidewater):
    services.delete_tenant(actor=member(alice, tidewater))
    event = AuditEvent.objects.get()
    assert event.before == {"kind": "provider", "name": "Tidewater", "slug": "tidewater"}
    assert event.tenant_id == tidewater.pk


def test_the_other_owners_are_told(alice, tidewater):
    make_member("ada", tidewater, Role.OWNER)
    services.delete_tenant(actor=member(alice, tidewater))
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.subject) == ("ada@tidewater.example", "Tidewater was deleted")


def test_what_was_changed_meanwhile_is_not_deleted(alice, tidewater):
    services.change_tenant(actor=member(alice, tidewater), name="Tidewater Freight")
    with pytest.raises(StaleVersion):
        services.delete_tenant(actor=member(alice, tidewater), version=1)
    assert Tenant.objects.exists()
