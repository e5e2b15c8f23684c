"""What people do with a workspace, in Chromium."""

import re

import pytest
from django.db import transaction
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.core.mail.models import OutgoingMail
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Role
from apps.tenants.services import change_role
from tests.browser.checks import check_accessibility
from tests.browser.plugin import SignIn
from tests.browser.variants import on_a_phone
from tests.browser.watch import Problems
from tests.people import make_person
from tests.tenants.world import join, member

pytestmark = pytest.mark.django_db(transaction=True)


def link_in_mail_to(email: str) -> str:
    text = OutgoingMail.objects.filter(to=email).latest("created_at").text.reveal()
    found = re.search(r"/invitations/[\w-]+", text)
    assert found
    return found.group()


def test_somebody_is_invited_joins_and_shows_up(
    page: Page, signed_in: SignIn, problems: Problems, alice: User, tidewater: Tenant
) -> None:
    problems.allow(r"^4(10|22): ")
    signed_in(alice)
    page.goto("/t/tidewater/")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page).to_have_url(re.compile(r"/t/tidewater/members$"))
    page.get_by_role("link", name="Invite people").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("E-mail").fill("ana@reyes.example\nbob@tidewater.example")
    dialog.get_by_label("qa").check()
    dialog.get_by_role("button", name="Send invitations").click()
    expect(dialog).to_contain_text("bob@tidewater.example is a member already.")
    expect(dialog.get_by_label("E-mail")).to_be_focused()
    dialog.get_by_label("E-mail").fill("ana@reyes.example")
    dialog.get_by_role("button", name="Send invitations").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("1 invitation sent")
    expect(page.locator("#invitations")).to_contain_text("ana@reyes.example")

    link = link_in_mail_to("ana@reyes.example")
    page.goto("about:blank")
    page.context.clear_cookies()
    page.goto(link)
    page.get_by_label("Your name").fill("Ana Reyes")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Join Tidewater").click()
    expect(page.locator(".error")).to_be_visible()
    page.get_by_label("Password").fill("a-harbour-at-night-63122")
    page.get_by_role("button", name="Join Tidewater").click()
    expect(page).to_have_url(re.compile(r"/t/tidewater/$"))
    expect(page.locator("h1")).to_contain_text("Welcome, Ana Reyes")
    page.goto(link)
    expect(page.locator("h1")).to_contain_text("work any more")
    assert Membership.objects.get(person__email="ana@reyes.example").role == Role.QA


@on_a_phone
def test_what_is_missing_is_in_sight_and_has_the_focus(
    page: Page, signed_in: SignIn, problems: Problems, alice: User, tidewater: Tenant
) -> None:
    problems.allow("422: POST .*/members/invite")
    signed_in(alice)
    page.goto("/t/tidewater/members")
    page.get_by_role("link", name="Invite people").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("E-mail").fill("ana@reyes.example")
    dialog.get_by_role("button", name="Send invitations").click()
    expect(dialog.get_by_text("Choose a role.")).to_be_in_viewport()
    expect(dialog.get_by_label("viewer")).to_be_focused()


def test_the_first_step_opens_its_dialog_and_ticks_itself_off(page: Page, signed_in: SignIn, tidewater: Tenant) -> None:
    sigrid = make_person("sigrid")
    tenant = Tenant.objects.create(name="Halvorsen", slug="halvorsen", kind="provider")
    join(sigrid, tenant, Role.OWNER)
    signed_in(sigrid)
    page.goto("/t/halvorsen/")
    expect(page.locator("#steps")).to_contain_text("0 of 4 done")
    page.locator("#steps").get_by_role("link", name="Invite people").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("E-mail").fill("ana@reyes.example")
    dialog.get_by_label("viewer").check()
    dialog.get_by_role("button", name="Send invitations").click()
    expect(page.locator("#steps")).to_contain_text("1 of 4 done")
    expect(page.locator("#activity")).to_contain_text("ana@reyes.example")
    page.get_by_role("button", name="Hide this").click()
    expect(page.get_by_role("button", name="Show the first steps again")).to_be_visible()


def test_the_list_follows_what_others_do(page: Page, signed_in: SignIn, alice: User, tidewater: Tenant) -> None:
    row = join(make_person("haneul"), tidewater, Role.QA)
    signed_in(alice)
    with page.expect_response(lambda answer: "/live/events" in answer.url and answer.status == 200):
        page.goto("/t/tidewater/members")
    line = page.locator(f"#{row.pk}")
    expect(line).to_contain_text("qa")
    page.wait_for_timeout(300)
    with transaction.atomic():
        change_role(actor=member(alice, tidewater), membership=row, role=Role.VIEWER)
    expect(line).to_contain_text("viewer")
    expect(line).to_have_class("is-flash")


def test_a_menu_that_is_open_stays_while_others_change_the_list(
    page: Page, signed_in: SignIn, alice: User, tidewater: Tenant
) -> None:
    row = join(make_person("haneul"), tidewater, Role.QA)
    signed_in(alice)
    with page.expect_response(lambda answer: "/live/events" in answer.url and answer.status == 200):
        page.goto("/t/tidewater/members")
    menu = page.locator(f"#menu-{row.pk}")
    page.get_by_role("button", name="Actions for Haneul").click()
    expect(menu).to_be_visible()
    page.wait_for_timeout(300)
    with transaction.atomic():
        change_role(actor=member(alice, tidewater), membership=row, role=Role.VIEWER)
    page.wait_for_timeout(1_000)
    expect(menu).to_be_visible()
    expect(page.locator(f"#{row.pk}")).to_contain_text("qa")
    page.keyboard.press("Escape")
    expect(page.locator(f"#{row.pk}")).to_contain_text("viewer")


def choose_action(page: Page, action: str, dialog: Locator) -> None:
    page.get_by_role("button", name="Actions for Haneul").click()
    page.get_by_role("link", name=action).click()
    expect(dialog).to_be_visible()


def test_a_role_is_changed_and_a_member_removed_from_the_menu(
    page: Page, signed_in: SignIn, alice: User, tidewater: Tenant
) -> None:
    row = join(make_person("haneul"), tidewater, Role.QA)
    signed_in(alice)
    page.goto("/t/tidewater/members")
    dialog = page.locator("dialog[open]")
    choose_action(page, "Change the role", dialog)
    expect(dialog.get_by_label("qa")).to_be_checked()
    dialog.get_by_label("api-developer").check()
    dialog.get_by_role("button", name="Change the role").click()
    expect(page.locator("#toasts")).to_contain_text("Haneul is api-developer now")
    expect(page.locator(f"#{row.pk}")).to_contain_text("api-developer")

    choose_action(page, "Remove from the workspace", dialog)
    expect(dialog).to_contain_text("haneul@tidewater.example")
    check_accessibility(page)
    dialog.get_by_role("button", name="Remove Haneul").click()
    expect(page.locator(f"#{row.pk}")).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Haneul was removed")


def test_several_are_removed_at_once(page: Page, signed_in: SignIn, alice: User, tidewater: Tenant) -> None:
    for name in ("haneul", "mateus"):
        join(make_person(name), tidewater, Role.QA)
    signed_in(alice)
    page.goto("/t/tidewater/members?role=qa")
    page.get_by_label("Choose all").check()
    page.get_by_role("button", name="Remove from the workspace").click()
    question = page.locator("#confirm")
    expect(question).to_contain_text("Haneul, Mateus")
    question.get_by_role("button", name="Remove from the workspace").click()
    expect(page.locator("#toasts")).to_contain_text("2 done")
    assert not Membership.objects.filter(role=Role.QA).exists()


def test_an_invitation_is_revoked(page: Page, signed_in: SignIn, alice: User, tidewater: Tenant) -> None:
    signed_in(alice)
    page.goto("/t/tidewater/members/invite")
    page.get_by_label("E-mail").fill("ana@reyes.example")
    page.get_by_label("viewer").check()
    page.get_by_role("button", name="Send invitations").click()
    page.wait_for_url(re.compile(r"/members$"), wait_until="load")
    page.get_by_role("link", name="Revoke the invitation of ana@reyes.example").click()
    page.locator("dialog[open]").get_by_role("button", name="Revoke the invitation").click()
    expect(page.locator("#invitations")).to_contain_text("Nobody is waited for")
    assert Invitation.objects.get().revoked_at


def test_workspaces_are_switched_in_one_click_and_the_console_opens_there(
    page: Page, signed_in: SignIn, alice: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    join(alice, hanbit, Role.VIEWER)
    signed_in(alice)
    page.goto("/t/tidewater/members")
    page.get_by_role("button", name="Switch workspace, now Tidewater").click()
    menu = page.locator("#tenants")
    expect(menu).to_be_visible()
    check_accessibility(page)
    menu.get_by_role("link", name="Hanbit").click()
    expect(page).to_have_url(re.compile(r"/t/hanbit/$"))
    expect(page.locator(".switcher")).to_contain_text("viewer")
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/t/hanbit/$"))

    page.keyboard.press("Control+k")
    page.keyboard.type("tidew")
    expect(page.get_by_role("option", name="Switch to Tidewater")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/t/tidewater/$"))


def test_an_address_in_the_wrong_workspace_asks_to_switch(
    page: Page, signed_in: SignIn, problems: Problems, alice: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    problems.allow(r"^404: GET .*/role$")
    join(alice, hanbit, Role.ADMIN)
    theirs = join(make_person("haneul"), hanbit, Role.QA)
    signed_in(alice)
    page.goto(f"/t/tidewater/members/{theirs.pk}/role")
    expect(page.locator("h1")).to_contain_text("another workspace of yours")
    page.get_by_role("link", name="Switch to Hanbit").click()
    expect(page).to_have_url(re.compile(rf"/t/hanbit/members/{theirs.pk}/role$"))
    expect(page.locator("h1")).to_contain_text("Change the role of Haneul")


def test_a_refusal_leads_to_somebody_who_may(
    page: Page, signed_in: SignIn, problems: Problems, bob: User, tidewater: Tenant
) -> None:
    problems.allow(r"^403: GET .*/settings$")
    signed_in(bob)
    page.goto("/t/tidewater/settings")
    expect(page.get_by_role("link", name="Ask Alice")).to_have_attribute("href", "mailto:alice@tidewater.example")
    page.get_by_role("link", name="What each role may do").click()
    expect(page.locator("th.is-mine")).to_have_text("viewer")


@on_a_phone
def test_on_a_phone_the_menu_switches_too(
    page: Page, signed_in: SignIn, alice: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    join(alice, hanbit, Role.VIEWER)
    signed_in(alice)
    page.goto("/t/tidewater/members")
    page.get_by_role("button", name="Open the menu").click()
    page.get_by_role("button", name="Switch workspace, now Tidewater").click()
    page.locator("#tenants").get_by_role("link", name="Hanbit").click()
    expect(page).to_have_url(re.compile(r"/t/hanbit/$"))
