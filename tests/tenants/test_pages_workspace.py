"""A workspace's first page, its settings, the switch between several, and what stands where one may not go."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core import clock
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests.people import make_person
from tests.tenants.contract import make_invitation
from tests.tenants.pages import IN_DIALOG, as_, confirmed_as
from tests.tenants.world import join

HOME = "/t/tidewater/"
OWNERS_PAGES = [
    "",
    "members",
    "members/invite",
    "members/leave",
    "members/roles",
    "members/invitations",
    "settings",
    "settings/delete",
    "search?q=bob",
]


# --- The first page --------------------------------------------------------------------------------


@pytest.fixture
def newcomer(db: None) -> Client:
    """Alone in a workspace of their own."""
    person = make_person("sigrid")
    join(person, Tenant.objects.create(name="Halvorsen", slug="halvorsen", kind="provider"), Role.OWNER)
    return as_(person)


def test_an_empty_workspace_greets_with_what_to_do_first(newcomer: Client) -> None:
    page = newcomer.get("/t/halvorsen/").content.decode()
    for words in ("Welcome, Sigrid", "0 of 4 done", "Start here", "Quiet so far", "Turn on your second factor"):
        assert words in page, words


def test_a_step_ticks_itself_off(newcomer: Client) -> None:
    tenant = Tenant.objects.get(slug="halvorsen")
    part = {"HX-Request": "true", "HX-Target": "steps"}
    assert "0 of 4 done" in newcomer.get("/t/halvorsen/", headers=part).content.decode()
    make_invitation(tenant, User.objects.get())
    steps = newcomer.get("/t/halvorsen/", headers=part).content.decode()
    assert "1 of 4 done" in steps
    assert "<html" not in steps


def test_the_steps_can_be_hidden_and_brought_back(newcomer: Client) -> None:
    assert newcomer.post("/t/halvorsen/first-steps", {"show": "no"})["Location"] == "/t/halvorsen/"
    page = newcomer.get("/t/halvorsen/").content.decode()
    assert "Start here" not in page
    assert "Show the first steps again" in page
    newcomer.post("/t/halvorsen/first-steps", {"show": "yes"})
    assert "Start here" in newcomer.get("/t/halvorsen/").content.decode()


def test_activity_is_everybodys_for_those_who_read_the_log_and_ones_own_for_others(
    alice: User, bob: User, tidewater: Tenant
) -> None:
    as_(alice).post("/t/tidewater/members/invite", {"emails": "ana@reyes.example", "role": "qa"})
    assert "ana@reyes.example" in as_(alice).get(HOME).content.decode()
    page = as_(bob).get(HOME).content.decode()
    assert "ana@reyes.example" not in page
    assert "What you did here" in page


# --- Where a console opens -------------------------------------------------------------------------


def test_the_console_opens_where_one_was_last(alice: User, tidewater: Tenant, hanbit: Tenant) -> None:
    join(alice, hanbit, Role.VIEWER)
    client = as_(alice)
    for slug in ("hanbit", "tidewater", "hanbit", "tidewater"):
        client.get(f"/t/{slug}/members")
        assert client.get("/")["Location"] == f"/t/{slug}/"


def test_every_page_offers_the_other_workspaces(alice: User, tidewater: Tenant, hanbit: Tenant) -> None:
    join(alice, hanbit, Role.VIEWER)
    for path in ("/t/tidewater/members", "/account", "/workspaces"):
        page = as_(alice).get(path).content.decode()
        assert 'href="/t/hanbit/"' in page, path
        assert 'id="tenants"' in page, path


def test_the_menu_holds_what_the_role_may_use(alice: User, bob: User, tidewater: Tenant) -> None:
    for person, sees in ((alice, True), (bob, False)):
        page = as_(person).get("/t/tidewater/members/roles").content.decode()
        assert ('href="/t/tidewater/settings"' in page) is sees
        assert ('href="/t/tidewater/audit"' in page) is sees
        assert '<a href="/t/tidewater/members" aria-current="page" data-keys="g m">' in page


def test_the_palette_finds_people_of_this_workspace_and_the_way_to_another(
    alice: User, bob: User, charlie: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    join(alice, hanbit, Role.VIEWER)
    found = as_(alice).get("/t/tidewater/search", {"q": "bob"}).content.decode()
    assert "/t/tidewater/members?q=bob%40tidewater.example" in found
    assert "charlie@" not in as_(alice).get("/t/tidewater/search", {"q": "charlie"}, headers=IN_DIALOG).content.decode()
    assert "Switch to Hanbit" in as_(alice).get("/search", {"q": "hanbit"}).content.decode()


# --- Settings --------------------------------------------------------------------------------------


def test_a_workspace_is_renamed_and_the_page_goes_along(alice: User, tidewater: Tenant) -> None:
    body = {"name": "Tidewater Freight", "slug": "freight", "version": tidewater.version}
    answer = as_(alice).post("/t/tidewater/settings", body)
    assert answer["Location"] == "/t/freight/settings"
    assert "Tidewater Freight" in as_(alice).get("/t/freight/settings").content.decode()


def test_a_name_or_address_that_can_not_be_is_refused_at_its_field(
    alice: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    for name, slug in (("", "freight"), ("Tidewater", "hanbit"), ("Tidewater", "Has Blanks")):
        answer = as_(alice).post("/t/tidewater/settings", {"name": name, "slug": slug, "version": tidewater.version})
        assert answer.status_code == 422, (name, slug)
        assert 'aria-invalid="true"' in answer.content.decode()
    tidewater.refresh_from_db()
    assert (tidewater.name, tidewater.slug) == ("Tidewater", "tidewater")


def test_of_two_who_save_the_settings_the_second_is_asked_to_look(alice: User, tidewater: Tenant) -> None:
    as_(alice).post("/t/tidewater/settings", {"name": "First", "slug": "tidewater", "version": 1})
    answer = as_(alice).post("/t/tidewater/settings", {"name": "Second", "slug": "tidewater", "version": 1})
    assert answer.status_code == 412
    tidewater.refresh_from_db()
    assert tidewater.name == "First"


def test_deleting_asks_for_the_address_letter_by_letter(alice: User, bob: User, tidewater: Tenant) -> None:
    url = "/t/tidewater/settings/delete"
    assert as_(alice).get(url)["Location"] == f"/account/confirm?next={url}"
    browser = confirmed_as(alice)
    assert "2, who lose what is in it" in browser.get(url).content.decode()
    assert browser.post(url, {"typed": "tidewate"}).status_code == 422
    assert Tenant.objects.filter(pk=tidewater.pk).exists()
    assert browser.post(url, {"typed": "tidewater"})["Location"] == "/"
    assert not Tenant.objects.filter(pk=tidewater.pk).exists()
    assert "You are in no workspace" in browser.get("/").content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.QA, Role.GATEWAY_OWNER])
def test_settings_are_for_admins_and_owners(bob: User, tidewater: Tenant, role: str) -> None:
    Membership.objects.filter(person=bob).update(role=role)
    for answer in (
        as_(bob).get("/t/tidewater/settings"),
        as_(bob).post("/t/tidewater/settings", {"name": "Mine", "slug": "mine", "version": 1}),
        confirmed_as(bob).post("/t/tidewater/settings/delete", {"typed": "tidewater"}),
    ):
        assert answer.status_code == 403
    tidewater.refresh_from_db()
    assert tidewater.name == "Tidewater"


# --- Where one may not go --------------------------------------------------------------------------


def test_an_owner_opens_every_page(alice: User, tidewater: Tenant) -> None:
    browser = confirmed_as(alice)
    for path in OWNERS_PAGES:
        assert browser.get(f"{HOME}{path}").status_code == 200, path


def test_somebody_in_no_such_workspace_learns_nothing(charlie: User, tidewater: Tenant, hanbit: Tenant) -> None:
    for path in OWNERS_PAGES:
        answer, strange = as_(charlie).get(f"{HOME}{path}"), as_(charlie).get(f"/t/nowhere/{path}")
        assert answer.status_code == strange.status_code == 404, path
        assert "Tidewater" not in answer.content.decode(), path


def test_visitors_sign_in_and_come_back(tidewater: Tenant) -> None:
    for path in OWNERS_PAGES:
        answer = Client().get(f"{HOME}{path}")
        assert answer["Location"].startswith("/sign-in?next=/t/tidewater/"), path


def test_a_refusal_names_the_roles_and_somebody_who_has_one(alice: User, bob: User, tidewater: Tenant) -> None:
    join(make_person("gone", is_active=False), tidewater, Role.ADMIN)
    join(make_person("second"), tidewater, Role.ADMIN)
    as_(alice).get(HOME)
    answer = as_(bob).get("/t/tidewater/members/invite")
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Your role here:" in page
    assert "Alice and 1 other have one." in page
    assert f"mailto:{alice.email}" in page


def test_what_is_in_another_workspace_of_mine_offers_to_switch(alice: User, tidewater: Tenant, hanbit: Tenant) -> None:
    row = join(alice, hanbit, Role.ADMIN)
    answer = as_(alice).get(f"/t/tidewater/members/{row.pk}/role?from=mail")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "You are looking at" in page
    assert f'href="/t/hanbit/members/{row.pk}/role?from=mail"' in page
    assert as_(alice).get(f"/t/hanbit/members/{row.pk}/role").status_code == 200


def test_what_is_in_a_workspace_of_others_is_not_there(
    alice: User, charlie: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    join(alice, Tenant.objects.create(name="Third", slug="third", kind="provider"), Role.OWNER)
    row = Membership.objects.get(person=charlie)
    answer = as_(alice).get(f"/t/tidewater/members/{row.pk}/role")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "You are looking at" in page
    assert "hanbit" not in page.lower()


def test_a_suspended_workspace_tells_its_people_why(alice: User, tidewater: Tenant) -> None:
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=clock.now(), suspended_because="Unpaid since May")
    for path in OWNERS_PAGES:
        answer = as_(alice).get(f"{HOME}{path}")
        page = answer.content.decode()
        assert answer.status_code == 403, path
        assert "Unpaid since May" in page
        assert "Switch workspace" in page
        assert "bob@" not in page
