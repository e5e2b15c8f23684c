import pytest
from django.db import transaction

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, NotAllowed
from apps.core.mail.models import OutgoingMail
from apps.tenants import services
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.roles import Role
from apps.tenants.selectors import memberships_of
from tests.tenants.contract import TenantServiceContract
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db


class TestRemoveMember(TenantServiceContract):
    verb = "member.removed"

    def make(self, alice, bob) -> Membership:
        return self.make_member_of(self.tidewater)

    def act(self, actor: Member, row: Membership) -> None:
        services.remove_member(actor=actor, membership=row)


def test_someone_removed_is_out_with_the_next_request_and_told_by_mail(alice, bob, tidewater):
    services.remove_member(actor=member(alice, tidewater), membership=Membership.objects.get(person=bob))
    assert memberships_of(bob) == []
    mail = OutgoingMail.objects.get(to=bob.email)
    assert mail.subject == "You are no longer in Tidewater"
    assert "Alice removed you" in mail.text.reveal()


def test_their_role_stays_in_the_log(alice, bob, tidewater):
    services.remove_member(actor=member(alice, tidewater), membership=Membership.objects.get(person=bob))
    event = AuditEvent.objects.get(verb="member.removed")
    assert (event.before, event.target_label, event.tenant_id) == ({"role": "viewer"}, "Bob", tidewater.pk)


def test_nobody_removes_themselves(alice, tidewater):
    with pytest.raises(Conflict, match="Leave the workspace instead"):
        services.remove_member(actor=member(alice, tidewater), membership=Membership.objects.get(person=alice))


def test_an_admin_removes_no_owner_and_an_owner_does(alice, bob, tidewater):
    admin = make_member("ada", tidewater, Role.ADMIN)
    Membership.objects.filter(person=bob).update(role=Role.OWNER)
    with pytest.raises(NotAllowed), transaction.atomic():
        services.remove_member(actor=admin, membership=Membership.objects.get(person=bob))
    services.remove_member(actor=member(alice, tidewater), membership=Membership.objects.get(person=bob))
    assert not Membership.objects.filter(person=bob).exists()
