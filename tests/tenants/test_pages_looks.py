"""Every page of a workspace in both themes, two widths and both languages: it fits, and axe finds nothing."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.audit.services import record
from apps.core import clock
from apps.core.mail.models import OutgoingMail
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Kind, Role
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.browser.watch import Problems
from tests.people import PASSWORD, make_person
from tests.tenants.contract import make_invitation
from tests.tenants.world import join

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = [
    ("Maximilian Featherstonehaugh-Oyelaran", "maximilian.featherstonehaugh-oyelaran@tidewater.example", Role.ADMIN),
    ("Ada Lindqvist", "ada.lindqvist@tidewater.example", Role.GATEWAY_OWNER),
    ("Mateus de Albuquerque", "mateus@tidewater.example", Role.API_DEVELOPER),
    ("김하늘", "haneul.kim@tidewater.example", Role.QA),
    ("Priya Raghunathan", "priya@tidewater.example", Role.BUSINESS_MANAGER),
    ("Claes Wikström", "claes@tidewater.example", Role.VIEWER),
]

PAGES = {
    "overview": "",
    "members": "members",
    "members-filtered": "members?q=zz",
    "invite": "members/invite",
    "roles": "members/roles",
    "invitations": "members/invitations",
    "settings": "settings",
    "delete": "settings/delete",
    "leave": "members/leave",
}


@pytest.fixture
def soojin(transactional_db: None) -> User:
    return User.objects.create_user(email="soojin.park@tidewater.example", password=PASSWORD, name="박수진")


@pytest.fixture
def freight(soojin: User) -> Tenant:
    """The workspace of the drawings: seven people, three invitations, one of which went astray and one ended."""
    tenant = Tenant.objects.create(name="Tidewater Freight", slug="tidewater-freight", kind=Kind.PROVIDER)
    join(soojin, tenant, Role.OWNER)
    join(soojin, Tenant.objects.create(name="한빛데이터", slug="hanbit-data", kind=Kind.PROVIDER), Role.VIEWER)
    now = clock.now()
    for number, (name, email, role) in enumerate(PEOPLE):
        person = User.objects.create_user(email=email, password="x" * 20, name=name)
        row = join(person, tenant, role)
        Membership.objects.filter(pk=row.pk).update(
            last_seen_at=now - timedelta(hours=number * 20), updated_at=now - timedelta(days=3)
        )
    Membership.objects.filter(person__name="Priya Raghunathan").update(given_by=Membership.GivenBy.SSO)
    with transaction.atomic():
        make_invitation(tenant, soojin, "jonas.eckhart@tidewater.example", Role.API_DEVELOPER)
        astray = make_invitation(tenant, soojin, "seoyeon.lee@hanbit-data.example", Role.QA)
        ended = make_invitation(tenant, soojin, "n.oduya@oyelaran-daughters.example", Role.VIEWER)
        record(actor=soojin, verb="member.invited", target=astray, after={"role": "qa"})
    OutgoingMail.objects.all().update(state=OutgoingMail.State.SENT)
    OutgoingMail.objects.filter(pk=astray.mail_id).update(state=OutgoingMail.State.FAILED, reason="mailbox unknown")
    Invitation.objects.filter(pk=ended.pk).update(sent_at=now - timedelta(days=9), expires_at=now - timedelta(days=2))
    return tenant


@every_variant
def test_pages_of_a_workspace(
    page: Page, signed_in: SignIn, soojin: User, freight: Tenant, variant: Variant, folder: Path
) -> None:
    signed_in(soojin)
    # What can't be undone is asked by a page of its own, which isn't the one to look at
    page.goto("/account/confirm?next=/workspaces")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"^[^?]+/workspaces$"))
    for name, path in PAGES.items():
        response = page.goto(f"/t/tidewater-freight/{path}")
        assert response is not None
        assert response.status == 200
        check_fits(page)
        look(page, folder, f"{name}-{variant}")
        check_accessibility(page)
    for name, person in (("workspaces", soojin), ("no-workspace", make_person("loner"))):
        signed_in(person)
        page.goto("/workspaces")
        check_fits(page)
        look(page, folder, f"{name}-{variant}")
        check_accessibility(page)


@every_variant
def test_refusals(
    page: Page,
    signed_in: SignIn,
    problems: Problems,
    soojin: User,
    freight: Tenant,
    variant: Variant,
    folder: Path,
) -> None:
    """403 for the role, 404 with the way to the right workspace, and a suspended one."""
    problems.allow(r"^40[34]: GET .*")
    claes = User.objects.get(name="Claes Wikström")
    elsewhere = join(claes, Tenant.objects.get(slug="hanbit-data"), Role.ADMIN)
    signed_in(claes)
    for name, path in (("403", "settings"), ("404", f"members/{elsewhere.pk}/role"), ("suspended", "")):
        if name == "suspended":
            reason = "The invoice of May is unpaid. Write to billing@imp.example."
            Tenant.objects.filter(pk=freight.pk).update(suspended_at=clock.now(), suspended_because=reason)
        page.goto(f"/t/tidewater-freight/{path}")
        check_fits(page)
        look(page, folder, f"refusal-{name}-{variant}")
        check_accessibility(page)


@every_variant
def test_joining(
    page: Page,
    signed_in: SignIn,
    problems: Problems,
    soojin: User,
    freight: Tenant,
    variant: Variant,
    folder: Path,
) -> None:
    """The invitation's link for somebody new, for somebody else, and when it is over; and what waits for an answer."""
    problems.allow(r"^410: GET .*/invitations/")
    with transaction.atomic():
        invitation = make_invitation(freight, soojin, "ines@tidewater.example", Role.API_DEVELOPER)
    mail = OutgoingMail.objects.get(pk=invitation.mail_id).text.reveal()
    link = mail[mail.index("/invitations/") :].split()[0]
    for name, address in (("new", link), ("ended", "/invitations/nothing")):
        page.goto(address)
        check_fits(page)
        look(page, folder, f"join-{name}-{variant}")
        check_accessibility(page)
    signed_in(soojin)
    page.goto(link)
    look(page, folder, f"join-other-{variant}")
    check_accessibility(page)
    signed_in(User.objects.create_user(email="ines@tidewater.example", password="x" * 20, name="Ines Ojeda"))
    for name, address in (("own", link), ("waiting", "/")):
        page.goto(address)
        check_fits(page)
        look(page, folder, f"join-{name}-{variant}")
        check_accessibility(page)


@every_variant
def test_dialogs_and_menus(
    page: Page, signed_in: SignIn, soojin: User, freight: Tenant, variant: Variant, folder: Path
) -> None:
    signed_in(soojin)
    page.goto("/t/tidewater-freight/members")
    page.locator(".page-head .btn.is-primary").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    look(page, folder, f"dialog-invite-{variant}")
    check_accessibility(page)
    page.keyboard.press("Escape")
    page.locator("[popovertarget^=menu-]").nth(3).click()
    look(page, folder, f"menu-{variant}")
    check_accessibility(page)
    page.locator(".menu:popover-open a").first.click()
    expect(page.locator("dialog[open]")).to_be_visible()
    look(page, folder, f"dialog-role-{variant}")
    check_accessibility(page)
