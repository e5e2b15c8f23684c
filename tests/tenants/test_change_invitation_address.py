import pytest

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.errors import InvalidInput, NotAllowed
from apps.tenants import selectors, services
from apps.tenants.member import Member
from apps.tenants.models import Invitation
from apps.tenants.problems import InvitationEnded
from apps.tenants.roles import Role
from tests.tenants.contract import TenantServiceContract, make_invitation, some_address
from tests.tenants.links import token_in_mail_to
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db


class TestChangeInvitationAddress(TenantServiceContract):
    verb = "invitation.address_changed"

    def make(self, alice, bob) -> Invitation:
        return make_invitation(self.tidewater, alice)

    def act(self, actor: Member, row: Invitation) -> Invitation:
        return services.change_invitation_address(actor=actor, invitation=row, email=some_address())


def test_the_link_at_the_wrong_address_ends_and_a_new_one_goes_to_the_right_one(alice, tidewater):
    invitation = make_invitation(tidewater, alice, "zoe@reyes.exmaple")
    astray = token_in_mail_to("zoe@reyes.exmaple")
    services.change_invitation_address(
        actor=member(alice, tidewater), invitation=invitation, email=" Zoe@Reyes.example"
    )
    assert selectors.invitation_of(token_in_mail_to("zoe@reyes.example")).email == "zoe@reyes.example"
    with pytest.raises(InvitationEnded):
        selectors.invitation_of(astray)
    event = AuditEvent.objects.get()
    assert (event.before, event.after) == ({"email": "zoe@reyes.exmaple"}, {"email": "zoe@reyes.example"})


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("zoe@", "is no e-mail address"),
        ("BOB@tidewater.example", "is a member already"),
        ("asked@reyes.example", "has an invitation already"),
        ("zoe@reyes.example", "went to this address already"),
    ],
)
def test_an_address_that_will_not_do_is_refused(alice, tidewater, email, said):
    make_invitation(tidewater, alice, "asked@reyes.example")
    invitation = make_invitation(tidewater, alice, "zoe@reyes.example")
    with pytest.raises(InvalidInput) as caught:
        services.change_invitation_address(actor=member(alice, tidewater), invitation=invitation, email=email)
    assert said in caught.value.fields["email"][0]
    assert Invitation.objects.get(pk=invitation.pk).email == "zoe@reyes.example"


WAYS = {
    "another address": lambda admin, row: services.change_invitation_address(
        actor=admin, invitation=row, email="mallory@elsewhere.example"
    ),
    "revoked": lambda admin, row: services.revoke_invitation(actor=admin, invitation=row),
    "another role": lambda admin, row: services.invite_person(actor=admin, email=row.email, role="viewer"),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_admin_takes_the_first_owner_s_invitation_from_nobody(way):
    """Groups or an operator may bring in an admin before the owner has answered."""
    tenant = services.create_provider(actor=SYSTEM, name="Acme", owner_email="boss@acme.example", slug="acme")
    admin = make_member("mallory", tenant, Role.ADMIN)
    if way == "another role":
        Invitation.objects.update(expires_at=clock.now())
    with pytest.raises(NotAllowed) as caught:
        WAYS[way](admin, Invitation.objects.get())
    assert caught.value.extra["roles"] == ["owner"]
    row = Invitation.objects.get()
    assert (row.email, row.role, row.revoked_at) == ("boss@acme.example", "owner", None)
