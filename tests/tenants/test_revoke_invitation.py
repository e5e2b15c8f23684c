import pytest

from apps.core.errors import Conflict
from apps.tenants import selectors, services
from apps.tenants.member import Member
from apps.tenants.models import Invitation
from apps.tenants.problems import InvitationEnded
from tests.tenants.contract import TenantServiceContract, make_invitation
from tests.tenants.links import token_in_mail_to
from tests.tenants.world import member

pytestmark = pytest.mark.django_db


class TestRevokeInvitation(TenantServiceContract):
    verb = "invitation.revoked"

    def make(self, alice, bob) -> Invitation:
        return make_invitation(self.tidewater, alice)

    def act(self, actor: Member, row: Invitation) -> Invitation:
        return services.revoke_invitation(actor=actor, invitation=row)


def test_its_link_says_who_took_it_back(alice, tidewater):
    invitation = make_invitation(tidewater, alice, "zoe@reyes.example")
    services.revoke_invitation(actor=member(alice, tidewater), invitation=invitation)
    with pytest.raises(InvitationEnded, match="taken back by Tidewater"):
        selectors.invitation_of(token_in_mail_to("zoe@reyes.example"))


def test_twice_is_once_too_often(alice, tidewater):
    invitation = make_invitation(tidewater, alice)
    services.revoke_invitation(actor=member(alice, tidewater), invitation=invitation)
    with pytest.raises(Conflict, match="was revoked"):
        services.revoke_invitation(actor=member(alice, tidewater), invitation=invitation)


def test_the_address_may_be_invited_anew(alice, tidewater):
    invitation = make_invitation(tidewater, alice, "zoe@reyes.example")
    services.revoke_invitation(actor=member(alice, tidewater), invitation=invitation)
    again = services.invite_person(actor=member(alice, tidewater), email="zoe@reyes.example", role="qa")
    assert again.pk != invitation.pk
