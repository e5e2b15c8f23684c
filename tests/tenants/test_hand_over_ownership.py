import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.core.mail import public_url
from apps.core.mail.models import OutgoingMail
from apps.tenants import services
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.roles import Role
from tests.tenants.contract import TenantServiceContract
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db


class TestHandOverOwnership(TenantServiceContract):
    verb = "tenant.handed_over"
    allowed = ("alice",)
    # A system administrator owns nothing here that could be handed over; they change roles
    refused = {"bob": NotAllowed, "charlie": NotFound, "operator": NotAllowed, "administrator": NotFound}

    def make(self, alice: User, bob: User) -> Membership:
        return self.make_member_of(self.tidewater)

    def act(self, actor: Member, row: Membership) -> Membership:
        return services.hand_over_ownership(actor=actor, membership=row)


def test_the_member_owns_it_and_the_owner_becomes_an_admin(alice, bob, tidewater):
    services.hand_over_ownership(actor=member(alice, tidewater), membership=Membership.objects.get(person=bob))
    roles = dict(Membership.objects.values_list("person__name", "role"))
    assert roles == {"Alice": Role.ADMIN, "Bob": Role.OWNER}
    event = AuditEvent.objects.get()
    assert event.before == {"role": "viewer"}
    assert event.after == {"role": "owner", "former_owner": alice.pk, "former_owner_role": "admin"}
    mail = OutgoingMail.objects.get(to=bob.email)
    assert mail.subject == "You own Tidewater now"
    assert public_url("/t/tidewater/") in mail.text.reveal().splitlines()


def test_an_admin_has_nothing_to_hand_over(bob, tidewater):
    with pytest.raises(NotAllowed):
        services.hand_over_ownership(
            actor=make_member("ada", tidewater, Role.ADMIN), membership=Membership.objects.get(person=bob)
        )


def test_not_to_oneself(alice, tidewater):
    with pytest.raises(Conflict, match="Choose another member"):
        services.hand_over_ownership(actor=member(alice, tidewater), membership=Membership.objects.get(person=alice))
