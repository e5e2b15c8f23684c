from datetime import timedelta

import pytest

from apps.core import clock
from apps.tenants.models import Invitation
from apps.tenants.sweeps import forget_settled_invitations
from tests.tenants.contract import make_invitation

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("column", ["accepted_at", "revoked_at", "expires_at"])
@pytest.mark.parametrize(("days", "is_kept"), [(89, True), (91, False)])
def test_an_invitation_is_forgotten_long_after_it_was_settled(alice, tidewater, column, days, is_kept):
    invitation = make_invitation(tidewater, alice)
    waiting = make_invitation(tidewater, alice)
    Invitation.objects.filter(pk=invitation.pk).update(**{column: clock.now() - timedelta(days=days)})
    forget_settled_invitations()
    assert set(Invitation.objects.all()) == ({invitation, waiting} if is_kept else {waiting})


def test_when_somebody_joined_counts_not_when_the_link_would_have_ended(alice, tidewater):
    joined = make_invitation(tidewater, alice)
    Invitation.objects.update(accepted_at=clock.now() - timedelta(days=80), expires_at=clock.now() - timedelta(days=95))
    forget_settled_invitations()
    assert Invitation.objects.get() == joined
