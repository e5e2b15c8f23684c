"""Joining with an account one has, or leaving it."""

from functools import partial

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.tenants import selectors, services
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.problems import InvitationEnded, InvitationForSomeoneElse, TenantSuspended
from tests.at_once import at_once
from tests.contracts.service import ServiceContract
from tests.tenants.contract import make_invitation
from tests.tenants.links import token_in_mail_to
from tests.tenants.world import join, member

pytestmark = pytest.mark.django_db


class TestAcceptInvitation(ServiceContract):
    watched = (Tenant, Membership, Invitation)
    verb = "member.joined"
    allowed = ("charlie",)
    refused = dict.fromkeys(["alice", "bob", "operator"], InvitationForSomeoneElse)

    @pytest.fixture(autouse=True)
    def _world(self, charlie: User, tidewater: Tenant) -> None:
        self.charlie, self.tidewater = charlie, tidewater

    def make(self, alice: User, bob: User) -> Invitation:
        Invitation.objects.all().delete()
        return make_invitation(self.tidewater, alice, self.charlie.email)

    def call(self, actor: User, row: Invitation) -> Membership:
        return services.accept_invitation(actor=actor, invitation=row)


class TestDeclineInvitation(TestAcceptInvitation):
    verb = "invitation.declined"

    def call(self, actor: User, row: Invitation) -> Invitation:  # type: ignore[override]
        return services.decline_invitation(actor=actor, invitation=row)


def test_it_gives_the_role_and_says_so_in_the_workspace_s_log(alice, charlie, tidewater):
    invitation = make_invitation(tidewater, alice, charlie.email, role="api-developer")
    services.accept_invitation(actor=charlie, invitation=invitation)
    assert member(charlie, tidewater).role == "api-developer"
    event = AuditEvent.objects.get()
    assert (event.tenant_id, event.actor_id) == (tidewater.pk, charlie.pk)
    assert event.after == {"role": "api-developer", "invitation": invitation.pk}


def test_a_link_works_once(alice, charlie, tidewater):
    invitation = make_invitation(tidewater, alice, charlie.email)
    token = token_in_mail_to(charlie.email)
    services.accept_invitation(actor=charlie, invitation=selectors.invitation_of(token))
    with pytest.raises(InvitationEnded, match="accepted already"):
        selectors.invitation_of(token)
    with pytest.raises(InvitationEnded):
        services.accept_invitation(actor=charlie, invitation=invitation)


def test_a_week_is_a_week(alice, charlie, tidewater):
    invitation = make_invitation(tidewater, alice, charlie.email)
    Invitation.objects.update(expires_at=clock.now())
    with pytest.raises(InvitationEnded, match="Ask Alice to send it again"):
        selectors.invitation_of(token_in_mail_to(charlie.email))
    with pytest.raises(InvitationEnded):
        services.accept_invitation(actor=charlie, invitation=invitation)
    assert not selectors.invitations_for(charlie)


@pytest.mark.parametrize("token", ["", "x", "é" * 40, "a" * 43])
def test_a_token_that_nobody_made_opens_nothing(db, token):
    with pytest.raises(InvitationEnded):
        selectors.invitation_of(token)


def test_whoever_is_a_member_meanwhile_keeps_their_role(alice, charlie, tidewater):
    invitation = make_invitation(tidewater, alice, charlie.email, role="qa")
    join(charlie, tidewater, "admin")
    services.accept_invitation(actor=charlie, invitation=invitation)
    assert member(charlie, tidewater).role == "admin"
    assert not Invitation.objects.get().is_open


def test_nobody_joins_what_is_suspended(alice, charlie, tidewater):
    invitation = make_invitation(tidewater, alice, charlie.email)
    Tenant.objects.update(suspended_at=clock.now(), suspended_because="Unpaid")
    with pytest.raises(TenantSuspended):
        services.accept_invitation(actor=charlie, invitation=invitation)


def test_what_waits_for_somebody_is_found_by_their_address_in_any_case(alice, bob, charlie, tidewater):
    invitation = make_invitation(tidewater, alice, charlie.email)
    User.objects.filter(pk=charlie.pk).update(email="Charlie@Tidewater.example")
    charlie.refresh_from_db()
    assert list(selectors.invitations_for(charlie)) == [invitation]
    assert not selectors.invitations_for(bob)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_the_link_at_once_one_gets_in(alice, charlie, tidewater):
    invitation = make_invitation(tidewater, alice, charlie.email)
    ends = at_once(*[partial(services.accept_invitation, actor=charlie, invitation=invitation)] * 2)
    assert sorted(type(end).__name__ for end in ends) == ["InvitationEnded", "Membership"]
    assert Membership.objects.filter(person=charlie, tenant=tidewater).count() == 1


def test_an_owner_whose_groups_were_faster_owns_the_workspace(charlie):
    tenant = services.create_provider(actor=SYSTEM, name="Acme", owner_email=charlie.email, slug="acme")
    services.follow_groups(actor=SYSTEM, person=charlie, roles={tenant.pk: "viewer"}, within={tenant.pk})
    services.accept_invitation(actor=charlie, invitation=Invitation.objects.get())
    found = Membership.objects.get(person=charlie, tenant=tenant)
    assert (found.role, found.given_by) == ("owner", "person")
