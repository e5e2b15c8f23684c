from datetime import timedelta

import pytest

from apps.core import clock
from apps.core.errors import Conflict
from apps.tenants import selectors, services
from apps.tenants.member import Member
from apps.tenants.models import Invitation
from apps.tenants.problems import InvitationEnded
from tests.tenants.contract import TenantServiceContract, make_invitation
from tests.tenants.links import token_in_mail_to
from tests.tenants.world import member

pytestmark = pytest.mark.django_db


class TestResendInvitation(TenantServiceContract):
    verb = "invitation.resent"

    def make(self, alice, bob) -> Invitation:
        return sent_an_hour_ago(make_invitation(self.tidewater, alice))

    def act(self, actor: Member, row: Invitation) -> Invitation:
        return services.resend_invitation(actor=actor, invitation=row)


def sent_an_hour_ago(invitation: Invitation) -> Invitation:
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=clock.now() - timedelta(hours=1))
    return Invitation.objects.select_related("tenant").get(pk=invitation.pk)


def test_the_new_link_works_and_the_one_before_does_not(alice, tidewater):
    invitation = make_invitation(tidewater, alice, "zoe@reyes.example")
    old = token_in_mail_to("zoe@reyes.example")
    services.resend_invitation(actor=member(alice, tidewater), invitation=sent_an_hour_ago(invitation))
    new = token_in_mail_to("zoe@reyes.example")
    assert selectors.invitation_of(new).pk == invitation.pk
    with pytest.raises(InvitationEnded):
        selectors.invitation_of(old)


def test_one_that_is_over_gets_another_week(alice, tidewater):
    invitation = make_invitation(tidewater, alice)
    Invitation.objects.update(expires_at=clock.now() - timedelta(days=30), sent_at=clock.now() - timedelta(days=37))
    again = services.resend_invitation(
        actor=member(alice, tidewater), invitation=Invitation.objects.get(pk=invitation.pk)
    )
    assert again.is_open
    assert again.expires_at - again.sent_at == timedelta(days=7)


def test_nobody_is_written_to_twice_a_minute(alice, tidewater):
    invitation = make_invitation(tidewater, alice)
    with pytest.raises(Conflict, match="Send it again in") as caught:
        services.resend_invitation(actor=member(alice, tidewater), invitation=invitation)
    assert 0 < int(caught.value.headers["Retry-After"]) <= 60


@pytest.mark.parametrize(("column", "said"), [("accepted_at", "has accepted already"), ("revoked_at", "was revoked")])
def test_what_is_settled_is_not_sent_again(alice, tidewater, column, said):
    invitation = make_invitation(tidewater, alice)
    Invitation.objects.update(**{column: clock.now()})
    with pytest.raises(Conflict, match=said):
        services.resend_invitation(actor=member(alice, tidewater), invitation=Invitation.objects.get(pk=invitation.pk))
