"""Joining with an account that is made for it."""

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, InvalidInput
from apps.tenants import services
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.problems import InvitationEnded
from tests.tenants.contract import make_invitation

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-tide-4711"


def test_one_lands_in_that_workspace_and_in_no_other(alice, tidewater):
    invitation = make_invitation(tidewater, alice, "zoe@reyes.example", role="qa")
    membership = services.join_by_invitation(invitation=invitation, password=PASSWORD, name=" Zoë ", language="ko")
    zoe = User.objects.get(email="zoe@reyes.example")
    assert (zoe.name, zoe.language, zoe.check_password(PASSWORD)) == ("Zoë", "ko", True)
    assert list(Membership.objects.filter(person=zoe)) == [membership]
    assert Tenant.objects.count() == 1
    events = AuditEvent.objects.order_by("pk").values_list("verb", "actor_id", "tenant_id")
    assert list(events) == [("account.signed_up", zoe.pk, ""), ("member.joined", zoe.pk, tidewater.pk)]


def test_a_weak_password_is_refused_and_the_link_still_works(alice, tidewater):
    invitation = make_invitation(tidewater, alice, "zoe@reyes.example")
    with pytest.raises(InvalidInput) as caught:
        services.join_by_invitation(invitation=invitation, password="zoe")
    assert list(caught.value.fields) == ["password"]
    assert not User.objects.filter(email="zoe@reyes.example").exists()
    assert Invitation.objects.get().is_open


def test_somebody_with_an_account_signs_in_instead(alice, charlie, tidewater):
    invitation = make_invitation(tidewater, alice, charlie.email)
    with pytest.raises(Conflict, match="Sign in with it to join"):
        services.join_by_invitation(invitation=invitation, password=PASSWORD)
    charlie.refresh_from_db()
    assert not charlie.check_password(PASSWORD)


def test_a_used_link_makes_no_account(alice, tidewater):
    invitation = make_invitation(tidewater, alice, "zoe@reyes.example")
    services.join_by_invitation(invitation=invitation, password=PASSWORD)
    with pytest.raises(InvitationEnded):
        services.join_by_invitation(invitation=invitation, password="another-tide-4711")
    assert User.objects.get(email="zoe@reyes.example").check_password(PASSWORD)
