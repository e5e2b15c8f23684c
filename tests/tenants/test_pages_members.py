"""The pages about who is in a workspace, as a client sees them."""

from itertools import count
from typing import Any, ClassVar

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.mail.models import OutgoingMail
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Role
from tests.contracts.lists import PARTIAL, ListContract
from tests.people import make_person
from tests.tenants.contract import make_invitation
from tests.tenants.pages import IN_DIALOG, as_, confirmed_as
from tests.tenants.world import join, make_tenant

MEMBERS = "/t/tidewater/members"

_numbers = count(1)


@pytest.fixture
def qa(tidewater: Tenant) -> Membership:
    return join(make_person("haneul"), tidewater, Role.QA)


class OfTidewater(ListContract):
    """The contract, in a workspace: for outsiders its lists aren't empty, they aren't there."""

    def workspace(self, alice: User, bob: User) -> Tenant:
        there = Tenant.objects.filter(slug="tidewater").first()
        if there is None:
            there = make_tenant("Tidewater")
            join(alice, there, Role.OWNER)
            join(bob, there, self.readers_role)
        return there

    readers_role: ClassVar[str] = Role.VIEWER

    def test_owner_and_reader_see_it_and_others_do_not(
        self, client: Client, made: list[str], alice: User, bob: User, charlie: User
    ) -> None:
        for person, status in ((alice, 200), (bob, 200), (charlie, 404)):
            response = as_(person).get(self.url)
            assert response.status_code == status, person
            assert any(each in response.content.decode() for each in made) is (status == 200), person

    def test_the_export_holds_every_row(self, client: Client, made: list[str], alice: User, charlie: User) -> None:
        client.force_login(alice)
        assert set(made) <= self._exported(client, {})
        for kind in ("csv", "jsonl"):
            assert as_(charlie).get(self.url, {"format": kind}).status_code == 404

    def test_the_number_of_queries_is_pinned_and_not_per_row(self, client: Client, alice: User, bob: User) -> None:
        """After the first visit, which is noted."""
        self.workspace(alice, bob)
        as_(alice).get(self.url)
        super().test_the_number_of_queries_is_pinned_and_not_per_row(client, alice, bob)


class TestMembersPage(OfTidewater):
    url = MEMBERS
    narrowing = {"q": "1@tidewater"}
    nonsense = {"role": "king"}

    def make(self, alice: User, bob: User, count: int) -> list[Any]:
        tenant = self.workspace(alice, bob)
        return [join(make_person(f"person{next(_numbers)}"), tenant, Role.QA) for _ in range(count)]


class TestInvitationsPage(OfTidewater):
    url = f"{MEMBERS}/invitations"
    narrowing = {"q": "1@reyes"}
    nonsense = {"phase": "lost"}
    # Invitations are read by those who may send them
    readers_role = Role.ADMIN

    def make(self, alice: User, bob: User, count: int) -> list[Any]:
        tenant = self.workspace(alice, bob)
        return [make_invitation(tenant, alice, f"person{next(_numbers)}@reyes.example") for _ in range(count)]


# --- Who sees what ---------------------------------------------------------------------------------


def test_viewers_see_who_is_there_and_nothing_to_change_it(bob: User, qa: Membership) -> None:
    page = as_(bob).get(MEMBERS).content.decode()
    assert str(qa.person) in page
    for sign in ("Invite people", "Second factor", f"{MEMBERS}/{qa.pk}/role", "Pending invitations", 'id="bulk"'):
        assert sign not in page, sign
    assert f"{MEMBERS}/leave" in page


def test_whose_sign_in_is_weak_is_told_to_those_who_manage_people(alice: User, bob: User, qa: Membership) -> None:
    for person, told in ((alice, True), (bob, False)):
        lines = b"".join(as_(person).get(MEMBERS, {"format": "csv"}).streaming_content).decode()  # type: ignore[attr-defined]
        assert ("second_factor" in lines) is told
    assert as_(alice).get(MEMBERS, {"second_factor": "off"}).status_code == 200
    assert as_(bob).get(MEMBERS, {"second_factor": "off"}).status_code == 403


def test_admins_are_told_why_they_can_not_change_an_owner(alice: User, bob: User, tidewater: Tenant) -> None:
    Membership.objects.filter(person=bob).update(role=Role.ADMIN)
    page = as_(bob).get(MEMBERS).content.decode()
    owner = Membership.objects.get(person=alice)
    assert "An owner is changed by an owner." in page
    assert f"{MEMBERS}/{owner.pk}/role" not in page


def test_the_last_owner_is_told_why_they_stay(alice: User, tidewater: Tenant) -> None:
    page = as_(alice).get(MEMBERS).content.decode()
    assert "The last one, so it stays" in page
    assert f'href="{MEMBERS}/leave"' not in page
    join(make_person("second"), tidewater, Role.OWNER)
    page = as_(alice).get(MEMBERS).content.decode()
    assert "The last one" not in page
    assert f'href="{MEMBERS}/leave"' in page


# --- Doing it --------------------------------------------------------------------------------------


def test_several_people_are_invited_as_they_were_pasted(alice: User, tidewater: Tenant) -> None:
    pasted = "Ana Reyes <ana@reyes.example>; ben@reyes.example, \n cleo@reyes.example dan@reyes.example"
    answer = as_(alice).post(f"{MEMBERS}/invite", {"emails": pasted, "role": "qa", "note": "Hello"}, headers=IN_DIALOG)
    assert answer.status_code == 204
    assert "4 invitations sent" in answer["HX-Trigger"]
    assert '"invitations"' in answer["HX-Trigger"]
    invited = Invitation.objects.values_list("email", flat=True)
    assert set(invited) == {f"{name}@reyes.example" for name in ("ana", "ben", "cleo", "dan")}
    assert OutgoingMail.objects.count() == 4


def test_an_invitation_that_is_refused_says_why_at_its_field_and_keeps_the_rest(
    alice: User, bob: User, tidewater: Tenant
) -> None:
    body = {"emails": f"ana@reyes.example\n{bob.email}", "role": "qa", "note": "Hello there"}
    answer = as_(alice).post(f"{MEMBERS}/invite", body, headers=IN_DIALOG)
    form = answer.content.decode()
    assert answer.status_code == 422
    assert f"{bob.email} is a member already." in form
    assert "Hello there" in form
    assert not Invitation.objects.exists()


def test_a_role_is_changed_in_its_dialog(alice: User, qa: Membership) -> None:
    url = f"{MEMBERS}/{qa.pk}/role"
    form = as_(alice).get(url, headers=IN_DIALOG).content.decode()
    assert "<html" not in form
    answer = as_(alice).post(url, {"role": "viewer", "version": qa.version}, headers=IN_DIALOG)
    assert answer.status_code == 204
    qa.refresh_from_db()
    assert qa.role == Role.VIEWER


def test_of_two_who_change_the_same_role_the_second_is_asked_to_look(alice: User, qa: Membership) -> None:
    url = f"{MEMBERS}/{qa.pk}/role"
    as_(alice).post(url, {"role": "viewer", "version": qa.version})
    answer = as_(alice).post(url, {"role": "admin", "version": qa.version}, headers=IN_DIALOG)
    assert answer.status_code == 412
    assert "Someone saved first" in answer.content.decode()
    qa.refresh_from_db()
    assert qa.role == Role.VIEWER


def test_removing_names_who_and_what_and_then_does_it(alice: User, qa: Membership) -> None:
    url = f"{MEMBERS}/{qa.pk}/remove"
    question = as_(alice).get(url, headers=IN_DIALOG).content.decode()
    assert "Remove Haneul from Tidewater?" in question
    assert qa.person.email in question
    assert as_(alice).post(url, headers=IN_DIALOG).status_code == 204
    assert not Membership.objects.filter(pk=qa.pk).exists()


def test_handing_over_makes_an_owner_and_an_admin(alice: User, qa: Membership) -> None:
    url = f"{MEMBERS}/{qa.pk}/hand-over"
    assert "/account/confirm" in as_(alice).post(url).get("Location", "")
    assert confirmed_as(alice).post(url, headers=IN_DIALOG).status_code == 204
    roles = dict(Membership.objects.filter(tenant=qa.tenant).values_list("person_id", "role"))
    assert (roles[qa.person_id], roles[alice.pk]) == (Role.OWNER, Role.ADMIN)


def test_who_leaves_ends_up_outside(bob: User, tidewater: Tenant) -> None:
    answer = as_(bob).post(f"{MEMBERS}/leave", headers=IN_DIALOG)
    assert answer["HX-Redirect"] == "/"
    assert not Membership.objects.filter(person=bob).exists()
    assert as_(bob).get(MEMBERS).status_code == 404


def test_the_last_owner_who_leaves_anyway_is_refused(alice: User, tidewater: Tenant) -> None:
    answer = as_(alice).post(f"{MEMBERS}/leave", headers=IN_DIALOG)
    assert answer.status_code == 409
    assert "Make someone else an owner first" in answer.content.decode()
    assert Membership.objects.filter(person=alice).exists()


def test_several_are_removed_at_once_and_the_refused_are_named(alice: User, tidewater: Tenant, qa: Membership) -> None:
    own = Membership.objects.get(person=alice)
    answer = as_(alice).post(MEMBERS, {"action": "remove", "selected": [qa.pk, own.pk]}, headers=PARTIAL)
    assert answer.status_code == 200
    assert "1 done" in answer["HX-Trigger"]
    assert "Leave the workspace instead" in answer["HX-Trigger"]
    assert list(Membership.objects.filter(pk__in=[qa.pk, own.pk])) == [own]


def test_viewers_can_not_remove_several(bob: User, qa: Membership) -> None:
    answer = as_(bob).post(MEMBERS, {"action": "remove", "selected": [qa.pk]}, headers=PARTIAL)
    assert answer.status_code == 404
    assert Membership.objects.filter(pk=qa.pk).exists()


@pytest.mark.parametrize("verb", ["role", "remove", "hand-over"])
def test_viewers_are_refused_by_name_and_nothing_changes(bob: User, qa: Membership, verb: str) -> None:
    before = AuditEvent.objects.count()
    for answer in (
        confirmed_as(bob).get(f"{MEMBERS}/{qa.pk}/{verb}"),
        confirmed_as(bob).post(f"{MEMBERS}/{qa.pk}/{verb}", {"role": "owner", "version": 1}),
    ):
        assert answer.status_code == 403
        assert "owner" in answer.content.decode()
    qa.refresh_from_db()
    assert qa.role == Role.QA
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("verb", ["role", "remove", "hand-over"])
def test_members_of_others_are_not_there(alice: User, tidewater: Tenant, hanbit: Tenant, verb: str) -> None:
    theirs = Membership.objects.get(tenant=hanbit)
    answer = confirmed_as(alice).post(f"{MEMBERS}/{theirs.pk}/{verb}", {"role": "viewer", "version": 1})
    assert answer.status_code == 404
    assert Membership.objects.get(pk=theirs.pk).role == Role.OWNER


# --- Invitations -----------------------------------------------------------------------------------


@pytest.fixture
def invitation(alice: User, tidewater: Tenant) -> Invitation:
    return make_invitation(tidewater, alice, "ana@reyes.example")


def test_what_became_of_the_mail_is_shown(alice: User, invitation: Invitation) -> None:
    mail = OutgoingMail.objects.filter(pk=invitation.mail_id)
    for state, word in (("queued", "on its way"), ("sent", "sent"), ("failed", "not delivered")):
        mail.update(state=state, reason="mailbox unknown" if state == "failed" else "")
        for headers in ({}, {"HX-Request": "true", "HX-Target": "invitations"}):
            assert word in as_(alice).get(MEMBERS, headers=headers).content.decode(), state
    page = as_(alice).get(f"{MEMBERS}/invitations").content.decode()
    assert "mailbox unknown" in page


def test_sending_again_too_soon_says_when_it_may_be(alice: User, invitation: Invitation) -> None:
    url = f"{MEMBERS}/invitations/{invitation.pk}/send-again"
    answer = as_(alice).post(url, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "Send it again in" in answer["HX-Trigger"]


def test_the_address_is_changed_and_the_mail_goes_there(alice: User, invitation: Invitation) -> None:
    url = f"{MEMBERS}/invitations/{invitation.pk}/address"
    assert as_(alice).post(url, {"email": "anna@reyes.example"}, headers=IN_DIALOG).status_code == 204
    assert OutgoingMail.objects.filter(to="anna@reyes.example").exists()


def test_revoking_takes_it_from_the_list(alice: User, invitation: Invitation) -> None:
    url = f"{MEMBERS}/invitations/{invitation.pk}/revoke"
    assert "ana@reyes.example" in as_(alice).get(url, headers=IN_DIALOG).content.decode()
    assert as_(alice).post(url, headers=IN_DIALOG).status_code == 204
    assert "ana@reyes.example" not in as_(alice).get(f"{MEMBERS}/invitations").content.decode()


@pytest.mark.parametrize("verb", ["send-again", "address", "revoke"])
def test_invitations_are_changed_by_those_who_manage_people(bob: User, invitation: Invitation, verb: str) -> None:
    answer = as_(bob).post(f"{MEMBERS}/invitations/{invitation.pk}/{verb}", {"email": "x@reyes.example"})
    assert answer.status_code == 403
    invitation.refresh_from_db()
    assert (invitation.email, invitation.revoked_at) == ("ana@reyes.example", None)


def test_an_admin_is_offered_nothing_that_only_owners_may_do_with_an_invitation(
    alice: User, bob: User, tidewater: Tenant
) -> None:
    Membership.objects.filter(person=bob).update(role=Role.ADMIN)
    row = make_invitation(tidewater, alice, "first@reyes.example", Role.OWNER)
    revoke = f"{MEMBERS}/invitations/{row.pk}/revoke"
    for url in (MEMBERS, f"{MEMBERS}/invitations"):
        assert revoke in as_(alice).get(url).content.decode()
        page = as_(bob).get(url).content.decode()
        assert "Changed by an owner only" in page
        assert revoke not in page
