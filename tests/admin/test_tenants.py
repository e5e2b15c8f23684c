"""Workspaces and their people in the operators' admin: what operators see, what system administrators do."""

import re

import pytest
from django.contrib.admin.utils import quote
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.mail.models import OutgoingMail
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Role
from tests.people import PASSWORD
from tests.tenants.contract import make_invitation

pytestmark = pytest.mark.django_db

TENANTS = "/admin/tenants/tenant/"
MEMBERSHIPS = "/admin/tenants/membership/"
INVITATIONS = "/admin/tenants/invitation/"


def act(client: Client, path: str, action: str, *rows: object, **more: str) -> str:
    chosen = [row.pk for row in rows]  # type: ignore[attr-defined]
    fields = {"action": action, "_selected_action": chosen, "index": "0", **more}
    return client.post(path, fields, follow=True).content.decode()


def page_of(tenant: Tenant, action: str) -> str:
    return reverse(f"admin:tenants_tenant_{action}", args=[tenant.pk])


def events(verb: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(verb=verb).order_by("at"))


# --- Opening a provider's workspace ----------------------------------------------------------------


def test_a_providers_workspace_is_opened_by_inviting_its_first_owner(admin_of_yuna: Client, yuna: User) -> None:
    fields = {"name": "Reyes Foods", "slug": "reyes-foods", "owner_email": "zoe@reyes.example"}
    answer = admin_of_yuna.post(f"{TENANTS}add/", fields)
    tenant = Tenant.objects.get(slug="reyes-foods")
    assert answer.status_code == 302
    assert (tenant.name, tenant.kind) == ("Reyes Foods", "provider")
    assert Invitation.objects.get(tenant=tenant).role == Role.OWNER
    assert OutgoingMail.objects.get().to == "zoe@reyes.example"
    assert [event.actor_id for event in (*events("tenant.created"), *events("member.invited"))] == [yuna.pk] * 2


def test_without_an_address_it_is_made_from_the_name(admin_of_yuna: Client) -> None:
    admin_of_yuna.post(f"{TENANTS}add/", {"name": "Reyes Foods", "slug": "", "owner_email": "zoe@reyes.example"})
    assert Tenant.objects.get(name="Reyes Foods").slug.startswith("reyes-foods-")


def test_an_address_that_is_taken_makes_no_second_workspace(admin_of_yuna: Client, tidewater: Tenant) -> None:
    fields = {"name": "Reyes", "slug": tidewater.slug, "owner_email": "zoe@reyes.example"}
    page = admin_of_yuna.post(f"{TENANTS}add/", fields, follow=True).content.decode()
    assert "taken" in page or "already exists" in page
    assert not Tenant.objects.filter(name="Reyes").exists()
    assert not OutgoingMail.objects.exists()


def test_a_workspace_is_renamed_and_whoever_saves_second_is_told(admin_of_yuna: Client, tidewater: Tenant) -> None:
    path = f"{TENANTS}{tidewater.pk}/change/"
    fields = {"name": "Tidewater Freight", "slug": "tidewater", "shown_version": tidewater.version}
    admin_of_yuna.post(path, fields)
    page = admin_of_yuna.post(path, {**fields, "name": "Tidewater Ltd"}, follow=True).content.decode()
    tidewater.refresh_from_db()
    assert tidewater.name == "Tidewater Freight"
    assert "Someone saved first" in page
    assert len(events("tenant.changed")) == 1


# --- Suspending ------------------------------------------------------------------------------------


def test_suspending_asks_for_the_reason_that_its_people_read(admin_of_yuna: Client, tidewater: Tenant) -> None:
    path = page_of(tidewater, "suspend_this")
    question = admin_of_yuna.get(path, follow=True)
    assert "Suspend Tidewater?</h1>" in question.content.decode()
    refused = admin_of_yuna.post(path, {"answered": "yes", "reason": "  "}, follow=True)
    assert "required" in refused.content.decode()
    tidewater.refresh_from_db()
    assert not tidewater.is_suspended
    admin_of_yuna.post(path, {"answered": "yes", "reason": "Unpaid since June"}, follow=True)
    tidewater.refresh_from_db()
    assert tidewater.suspended_because == "Unpaid since June"
    assert events("tenant.suspended")[0].after == {"reason": "Unpaid since June"}


def test_several_are_suspended_with_one_reason_and_resumed(
    admin_of_yuna: Client, tidewater: Tenant, hanbit: Tenant
) -> None:
    question = act(admin_of_yuna, TENANTS, "suspend", tidewater, hanbit)
    assert "Hanbit" in question
    assert not Tenant.objects.exclude(suspended_at=None).exists()
    done = act(admin_of_yuna, TENANTS, "suspend", tidewater, hanbit, answered="yes", reason="Maintenance")
    assert "2 suspended." in done
    assert Tenant.objects.exclude(suspended_at=None).count() == 2
    assert "2 resumed." in act(admin_of_yuna, TENANTS, "resume", tidewater, hanbit)
    assert not Tenant.objects.exclude(suspended_at=None).exists()


def test_one_is_resumed_from_its_page(admin_of_yuna: Client, tidewater: Tenant) -> None:
    admin_of_yuna.post(page_of(tidewater, "suspend_this"), {"answered": "yes", "reason": "Unpaid"})
    path = page_of(tidewater, "resume_this")
    assert "Unpaid" in admin_of_yuna.get(path, follow=True).content.decode()
    admin_of_yuna.post(path, {"answered": "yes"})
    tidewater.refresh_from_db()
    assert not tidewater.is_suspended
    again = admin_of_yuna.post(path, {"answered": "yes"}, follow=True).content.decode()
    assert "suspended" in again
    assert len(events("tenant.resumed")) == 1


def test_deleting_takes_its_address_letter_by_letter(admin_of_yuna: Client, tidewater: Tenant, alice: User) -> None:
    path = page_of(tidewater, "delete_this")
    page = admin_of_yuna.post(path, {"answered": "yes", "typed": "Tidewater"}, follow=True).content.decode()
    assert "Write it exactly as tidewater." in page
    assert Tenant.objects.filter(pk=tidewater.pk).exists()
    page = admin_of_yuna.post(path, {"answered": "yes", "typed": "tidewater"}, follow=True).content.decode()
    assert "Tidewater was deleted." in page
    assert not Tenant.objects.exists()
    assert User.objects.filter(pk=alice.pk).exists()
    assert events("tenant.deleted")


# --- People in them --------------------------------------------------------------------------------


def test_a_role_is_changed_and_a_member_removed(admin_of_yuna: Client, tidewater: Tenant, bob: User) -> None:
    membership = Membership.objects.get(person=bob)
    page = admin_of_yuna.get(f"{MEMBERSHIPS}{membership.pk}/change/").content.decode()
    assert "gateway-owner" in page
    assert "consumer" not in page, "providers' workspaces have no consumers"
    admin_of_yuna.post(f"{MEMBERSHIPS}{membership.pk}/change/", {"role": "qa"})
    membership.refresh_from_db()
    assert membership.role == Role.QA
    assert "1 removed." in act(admin_of_yuna, MEMBERSHIPS, "remove", membership)
    assert not Membership.objects.filter(person=bob).exists()
    assert [len(events(verb)) for verb in ("member.role_changed", "member.removed")] == [1, 1]


def test_the_last_owner_stays_here_too(admin_of_yuna: Client, tidewater: Tenant, alice: User) -> None:
    membership = Membership.objects.get(person=alice)
    assert "1 removed." not in act(admin_of_yuna, MEMBERSHIPS, "remove", membership)
    admin_of_yuna.post(f"{MEMBERSHIPS}{membership.pk}/change/", {"role": "viewer"})
    membership.refresh_from_db()
    assert membership.role == Role.OWNER


def test_invitations_are_revoked_and_their_tokens_never_shown(
    admin_of_yuna: Client, tidewater: Tenant, alice: User
) -> None:
    invitation = make_invitation(tidewater, alice, "zoe@reyes.example")
    for path in (INVITATIONS, f"{INVITATIONS}{invitation.pk}/change/"):
        page = admin_of_yuna.get(path).content.decode()
        assert "zoe@reyes.example" in page
        assert invitation.token_hash not in page
    assert "1 revoked." in act(admin_of_yuna, INVITATIONS, "revoke", invitation)
    invitation.refresh_from_db()
    assert invitation.revoked_at
    assert events("invitation.revoked")[0].tenant_id == tidewater.pk


@pytest.mark.parametrize(
    ("phase", "found"), [("waiting", True), ("accepted", False), ("revoked", False), ("ended", False)]
)
def test_invitations_are_found_by_their_phase(
    admin_of_yuna: Client, tidewater: Tenant, alice: User, phase: str, found: bool
) -> None:
    make_invitation(tidewater, alice, "zoe@reyes.example")
    assert ("zoe@reyes.example" in admin_of_yuna.get(f"{INVITATIONS}?phase={phase}").content.decode()) is found


def test_a_persons_page_names_their_workspaces(admin_of_yuna: Client, tidewater: Tenant, bob: User) -> None:
    page = admin_of_yuna.get(f"/admin/accounts/user/{bob.pk}/change/").content.decode()
    assert "Tidewater" in page
    assert reverse("admin:tenants_membership_change", args=[Membership.objects.get(person=bob).pk]) in page


# --- Operators who aren't system administrators ----------------------------------------------------


def test_an_operator_sees_workspaces_and_changes_none(
    admin_of_operator: Client, tidewater: Tenant, bob: User, alice: User
) -> None:
    invitation = make_invitation(tidewater, alice)
    membership = Membership.objects.get(person=bob)
    for path in (TENANTS, MEMBERSHIPS, INVITATIONS, f"{TENANTS}{tidewater.pk}/change/"):
        assert admin_of_operator.get(path).status_code == 200, path
    for action in ("suspend_this", "resume_this", "delete_this"):
        assert admin_of_operator.get(page_of(tidewater, action)).status_code == 403, action
    assert admin_of_operator.get(f"{TENANTS}add/").status_code == 403
    before = AuditEvent.objects.count()
    admin_of_operator.post(f"{TENANTS}{tidewater.pk}/change/", {"name": "X", "slug": "x", "shown_version": 1})
    admin_of_operator.post(f"{MEMBERSHIPS}{membership.pk}/change/", {"role": "owner"})
    act(admin_of_operator, TENANTS, "suspend", tidewater, answered="yes", reason="x")
    act(admin_of_operator, MEMBERSHIPS, "remove", membership)
    act(admin_of_operator, INVITATIONS, "revoke", invitation)
    assert AuditEvent.objects.count() == before
    membership.refresh_from_db()
    assert membership.role == Role.VIEWER


# --- View as ---------------------------------------------------------------------------------------


def begin(client: Client, person: User, **fields: str) -> str:
    path = reverse("admin:accounts_user_view_as", args=[person.pk])
    return client.post(path, {"answered": "yes", "reason": "Ticket 4471", **fields}, follow=True).content.decode()


def confirm(client: Client) -> None:
    assert client.post("/account/confirm?next=/", {"password": PASSWORD}).status_code == 302


def test_an_operator_looks_as_somebody_after_confirming_and_giving_a_reason(
    admin_of_operator: Client, operator: User, bob: User, tidewater: Tenant
) -> None:
    assert "Password" in begin(admin_of_operator, bob), "they're asked who they are first"
    confirm(admin_of_operator)
    question = admin_of_operator.get(reverse("admin:accounts_user_view_as", args=[bob.pk])).content.decode()
    assert "See the console as Bob?" in question
    assert "Tidewater (viewer)" in question
    assert "required" in begin(admin_of_operator, bob, reason="")
    assert not events("view_as.started")
    assert "You see the console as Bob" in begin(admin_of_operator, bob)
    assert events("view_as.started")[0].actor_id == operator.pk


def test_other_operators_are_refused_with_the_reason(admin_of_operator: Client, yuna: User) -> None:
    confirm(admin_of_operator)
    assert "runs the platform too" in begin(admin_of_operator, yuna)
    assert not events("view_as.started")


def test_people_who_run_nothing_can_not_look_as_anybody(client: Client, alice: User, bob: User) -> None:
    client.force_login(alice)
    confirm(client)
    assert client.get(reverse("admin:accounts_user_view_as", args=[bob.pk])).status_code == 403
    assert not events("view_as.started")


def test_of_suspending_and_resuming_the_page_offers_what_can_be_done(admin_of_yuna: Client, tidewater: Tenant) -> None:
    path = f"{TENANTS}{tidewater.pk}/change/"

    def offered() -> list[bool]:
        page = admin_of_yuna.get(path).content.decode()
        return [page_of(tidewater, action) in page for action in ("suspend_this", "resume_this")]

    assert offered() == [True, False]
    admin_of_yuna.post(page_of(tidewater, "suspend_this"), {"answered": "yes", "reason": "Unpaid"})
    assert offered() == [False, True]


# --- From the list to the buttons --------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/admin/tenants/tenant/", "/admin/accounts/user/?q=alice"])
def test_the_buttons_of_a_page_that_the_list_leads_to_work(admin_of_yuna: Client, tidewater: Tenant, path: str) -> None:
    page = re.search(r'href="(/admin/\w+/\w+/\w+/change/[^"]*)"', admin_of_yuna.get(path).content.decode())
    assert page, path
    text = admin_of_yuna.get(page[1]).content.decode()
    buttons = re.findall(r'href="([^"]*/(?:suspend|delete-for-good|view-as)/)"', text)
    assert buttons
    for button in buttons:
        assert admin_of_yuna.get(button).status_code in (200, 302), button


def test_a_suspended_workspace_that_the_list_leads_to_can_be_resumed(admin_of_yuna: Client, tidewater: Tenant) -> None:
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=clock.now(), suspended_because="Unpaid.")
    text = admin_of_yuna.get(f"/admin/tenants/tenant/{quote(tidewater.pk)}/change/").content.decode()
    assert ("/resume/" in text, "/suspend/" in text) == (True, False)
