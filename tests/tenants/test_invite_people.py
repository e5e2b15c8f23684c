from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.core.mail.models import OutgoingMail
from apps.tenants import selectors, services
from apps.tenants.member import Member
from apps.tenants.models import Invitation, Tenant
from apps.tenants.roles import Role
from apps.tenants.services import invitations, links
from tests.tenants.contract import TenantServiceContract, some_address
from tests.tenants.links import token_in_mail_to
from tests.tenants.world import make_member, make_tenant, member

pytestmark = pytest.mark.django_db


class TestInvitePeople(TenantServiceContract):
    verb = "member.invited"
    also = ("member.invited",)
    # Charlie invites into their own workspace, as everybody does: there's no other one to name
    refused = {"bob": NotAllowed, "operator": NotAllowed}

    def make(self, alice: User, bob: User) -> None:
        return None

    def act(self, actor: Member, row: None) -> Invitation:
        services.invite_people(actor=actor, emails=[some_address()], role=Role.QA)
        return services.invite_person(actor=actor, email=some_address(), role=Role.QA)


def test_each_address_gets_a_mail_with_a_link_of_its_own(alice, tidewater):
    made = services.invite_people(
        actor=member(alice, tidewater),
        emails=["Zoe@Reyes.example ", "", "zoe@reyes.example", "jonas@reyes.example"],
        role=Role.API_DEVELOPER,
        note="See you on Monday.",
    )
    assert [invitation.email for invitation in made] == ["zoe@reyes.example", "jonas@reyes.example"]
    tokens = {token_in_mail_to(invitation.email) for invitation in made}
    assert len(tokens) == 2
    assert {selectors.invitation_of(token).pk for token in tokens} == {invitation.pk for invitation in made}
    mail = OutgoingMail.objects.get(pk=made[0].mail_id)
    assert mail.subject == "Alice invites you to Tidewater"
    for said in ("api-developer", "You write and release in dev", "See you on Monday."):
        assert said in mail.text.reveal()


def test_someone_known_is_written_to_in_their_language(alice, charlie, tidewater):
    User.objects.filter(pk=charlie.pk).update(language="ko")
    services.invite_person(actor=member(alice, tidewater), email=charlie.email, role=Role.QA)
    assert OutgoingMail.objects.get().language == "ko"


def test_the_link_is_nowhere_but_in_the_mail(alice, tidewater):
    invitation = services.invite_person(actor=member(alice, tidewater), email="zoe@reyes.example", role=Role.QA)
    token = token_in_mail_to("zoe@reyes.example")
    assert len(token) >= 43
    invitation.refresh_from_db()
    kept = [str(value) for value in vars(invitation).values()]
    kept += [str(vars(event)) for event in AuditEvent.objects.all()]
    assert not [text for text in kept if token in text]


@pytest.mark.parametrize(
    ("emails", "said"),
    [
        ([" "], "Write at least one address."),
        (["zoe@reyes.example", "zoe@"], "zoe@ is no e-mail address."),
        (["zoe@reyes.example", "bob@tidewater.example"], "bob@tidewater.example is a member already."),
        (["zoe@reyes.example", "asked@reyes.example"], "asked@reyes.example has an invitation already."),
        ([f"p{number}@reyes.example" for number in range(21)], "These are 21 addresses. Invite up to 20 at once."),
    ],
)
def test_one_wrong_address_sends_nothing_to_anybody(alice, tidewater, emails, said):
    services.invite_person(actor=member(alice, tidewater), email="asked@reyes.example", role=Role.QA)
    with pytest.raises(InvalidInput) as caught:
        services.invite_people(actor=member(alice, tidewater), emails=emails, role=Role.QA)
    assert caught.value.fields["emails"][0].startswith(said)
    assert Invitation.objects.count() == OutgoingMail.objects.count() == 1


def test_the_same_address_may_be_invited_elsewhere(alice, charlie, tidewater, hanbit):
    for person, tenant in ((alice, tidewater), (charlie, hanbit)):
        services.invite_person(actor=member(person, tenant), email="zoe@reyes.example", role=Role.QA)
    assert Invitation.objects.count() == 2


def test_one_that_is_over_lives_again(alice, tidewater):
    acting = member(alice, tidewater)
    first = services.invite_person(actor=acting, email="zoe@reyes.example", role=Role.QA)
    Invitation.objects.update(expires_at=clock.now())
    again = services.invite_person(actor=acting, email="zoe@reyes.example", role=Role.VIEWER)
    kept = Invitation.objects.get()
    assert (kept.pk, kept.role, kept.is_open) == (again.pk, "viewer", True) == (first.pk, again.role, again.is_open)
    assert selectors.invitation_of(token_in_mail_to("zoe@reyes.example")) == kept


@pytest.mark.parametrize(
    "note", ["Look at https://evil.example", "www.evil.example", "See evil.example/x", "evil。example", "x" * 1001]
)
def test_our_mails_carry_nobody_s_links(alice, tidewater, note):
    with pytest.raises(InvalidInput) as caught:
        services.invite_person(actor=member(alice, tidewater), email="zoe@reyes.example", role=Role.QA, note=note)
    assert list(caught.value.fields) == ["note"]


def test_nobody_is_invited_as_an_owner(alice, tidewater):
    with pytest.raises(InvalidInput) as caught:
        services.invite_person(actor=member(alice, tidewater), email="zoe@reyes.example", role=Role.OWNER)
    assert list(caught.value.fields) == ["role"]


def test_a_customer_s_workspace_has_roles_of_its_own(alice):
    customer = make_tenant("Greenmarket", "customer")
    owner = make_member("henrike", customer, Role.OWNER)
    with pytest.raises(InvalidInput):
        services.invite_person(actor=owner, email="zoe@reyes.example", role=Role.QA)
    assert services.invite_person(actor=owner, email="zoe@reyes.example", role=Role.CONSUMER).role == "consumer"


def test_there_is_an_end_to_the_strangers_one_may_write_to_in_a_day(alice, tidewater, monkeypatch):
    """Also where they're revoked at once."""
    monkeypatch.setattr(invitations, "MOST_A_DAY", 2)
    acting = member(alice, tidewater)
    services.invite_people(actor=acting, emails=[some_address(), some_address()], role=Role.QA)
    services.revoke_invitation(actor=acting, invitation=Invitation.objects.first())
    with pytest.raises(Conflict, match="up to 2 invitations a day"):
        services.invite_person(actor=acting, email=some_address(), role=Role.QA)
    Invitation.objects.update(sent_at=clock.now() - timedelta(days=1))
    services.invite_person(actor=acting, email=some_address(), role=Role.QA)


def test_nobody_s_mailbox_is_filled_whoever_invites_them(alice, charlie, tidewater, hanbit, monkeypatch):
    monkeypatch.setattr(links, "MOST_TO_ONE_A_DAY", 2)
    for person, tenant in ((alice, tidewater), (charlie, hanbit)):
        services.invite_person(actor=member(person, tenant), email="zoe@reyes.example", role=Role.QA)
    Invitation.objects.update(sent_at=clock.now() - timedelta(hours=1))
    with pytest.raises(Conflict, match="got many invitations today"):
        services.resend_invitation(actor=member(alice, tidewater), invitation=Invitation.objects.get(tenant=tidewater))
    services.invite_person(actor=member(alice, tidewater), email="jonas@reyes.example", role=Role.QA)


def test_what_the_inviter_calls_themselves_makes_no_link_in_the_mail(alice, tidewater):
    User.objects.filter(pk=alice.pk).update(name="Win at https://www.evil.example")
    Tenant.objects.filter(pk=tidewater.pk).update(name="Claim at evil.example/win")
    tidewater.refresh_from_db()
    services.invite_person(actor=member(alice, tidewater), email="zoe@reyes.example", role=Role.QA)
    mail = OutgoingMail.objects.get()
    for text in (mail.subject, mail.text.reveal()):
        assert "://www" not in text
        assert "www." not in text
        assert "https evil example invites" in text
        assert "Claim at evil example/win" in text
        assert "evil.example" not in text


def test_a_note_may_have_dots_where_no_domain_is(alice, tidewater):
    note = "Hi Zoë. We meet at 9.30 with J.R. Kim, version 2.0... See you."
    services.invite_person(actor=member(alice, tidewater), email="zoe@reyes.example", role=Role.QA, note=note)
    assert note in OutgoingMail.objects.get().text.reveal()
