"""Where an invitation's link leads, for each who may open it."""

import re

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core import clock
from apps.core.mail.models import OutgoingMail
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Role
from tests.people import PASSWORD, make_person
from tests.tenants.contract import make_invitation
from tests.tenants.pages import as_
from tests.tenants.world import join

NEW = {"name": "Ana Reyes", "password": "a-harbour-at-night-63122"}


@pytest.fixture
def invitation(alice: User, tidewater: Tenant) -> Invitation:
    return make_invitation(tidewater, alice, "ana@reyes.example", Role.QA)


@pytest.fixture
def link(invitation: Invitation) -> str:
    """As it stands in the mail."""
    mail = OutgoingMail.objects.get(pk=invitation.mail_id)
    found = re.search(r"/invitations/[\w-]+", mail.text.reveal())
    assert found
    return found.group()


def test_somebody_new_joins_by_name_and_password_and_is_signed_in(link: str, invitation: Invitation) -> None:
    client = Client()
    page = client.get(link)
    text = page.content.decode()
    assert "Join Tidewater" in text
    assert 'value="ana@reyes.example" readonly' in text
    assert "no-store" in page["Cache-Control"]
    answer = client.post(link, NEW)
    assert (answer.status_code, answer["Location"]) == (302, "/t/tidewater/")
    membership = Membership.objects.get(person__email="ana@reyes.example")
    assert membership.role == Role.QA
    assert client.get("/t/tidewater/").status_code == 200
    assert client.post("/sign-out").status_code == 302
    assert Client().post("/sign-in", {"login": "ana@reyes.example", "password": NEW["password"]}).status_code == 302


def test_opening_the_link_changes_nothing(link: str, invitation: Invitation) -> None:
    for _time in range(2):
        assert Client().get(link).status_code == 200
        assert Client().head(link).status_code == 200
    invitation.refresh_from_db()
    assert invitation.is_open


def test_a_weak_password_is_refused_at_its_field(link: str) -> None:
    answer = Client().post(link, {"name": "Ana", "password": "12345"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not User.objects.filter(email="ana@reyes.example").exists()


def test_whoever_has_an_account_is_sent_to_the_sign_in_and_comes_back(link: str) -> None:
    User.objects.create_user(email="ana@reyes.example", password=PASSWORD, name="Ana")
    page = Client().get(link).content.decode()
    assert f"/sign-in?next={link}" in page
    assert 'name="password"' not in page
    # By hand, past the page
    assert Client().post(link, NEW).status_code == 409
    assert not Membership.objects.filter(person__email="ana@reyes.example").exists()


def test_the_one_who_is_meant_joins_with_one_button(link: str) -> None:
    ana = User.objects.create_user(email="Ana@reyes.example", password=PASSWORD, name="Ana")
    client = as_(ana)
    assert "Decline" in client.get(link).content.decode()
    assert client.post(link, {"answer": "join"})["Location"] == "/t/tidewater/"
    assert Membership.objects.get(person=ana).role == Role.QA
    ended = client.get(link)
    assert ended.status_code == 410
    assert "Sign in to go to Tidewater" in ended.content.decode()


def test_declining_ends_the_link(link: str, invitation: Invitation) -> None:
    ana = User.objects.create_user(email="ana@reyes.example", password=PASSWORD)
    assert as_(ana).post(link, {"answer": "decline"})["Location"] == "/"
    assert Client().get(link).status_code == 410
    assert not Membership.objects.filter(person=ana).exists()


def test_somebody_else_is_told_whose_it_is_and_gets_nothing(link: str, charlie: User) -> None:
    page = as_(charlie).get(link).content.decode()
    assert "It went to ana@reyes.example, and you are signed in as charlie@tidewater.example." in page
    assert "Sign out and go on" in page
    answer = as_(charlie).post(link, {"answer": "join"})
    assert answer.status_code == 403
    assert not Membership.objects.filter(person=charlie, tenant__slug="tidewater").exists()


@pytest.mark.parametrize("how", ["revoked_at", "accepted_at", "expires_at"])
def test_a_link_that_is_over_says_so_and_lets_nobody_in(link: str, invitation: Invitation, how: str) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(**{how: clock.now()})
    for answer in (Client().get(link), Client().post(link, NEW)):
        assert answer.status_code == 410
        assert '<h1 id="ended-title">This invitation doesn&#x27;t work any more</h1>' in answer.content.decode()
    assert not User.objects.filter(email="ana@reyes.example").exists()


def test_a_link_that_nobody_sent_tells_nothing(db: None) -> None:
    answer = Client().get("/invitations/nothing-like-it")
    assert answer.status_code == 410
    assert "Ask whoever invited you" in answer.content.decode()


# --- Without the mail at hand ----------------------------------------------------------------------


def test_what_waits_is_answered_on_the_page_of_workspaces(invitation: Invitation) -> None:
    ana = User.objects.create_user(email="ana@reyes.example", password=PASSWORD, name="Ana")
    client = as_(ana)
    assert "Waiting for your answer" in client.get("/").content.decode()
    assert "Tidewater" in client.get("/workspaces").content.decode()
    count = client.get("/workspaces", headers={"HX-Request": "true", "HX-Target": "waiting"}).content.decode()
    assert ">1<" in count
    assert "<html" not in count
    answer = client.post(f"/workspaces/invitations/{invitation.pk}", {"answer": "join"})
    assert answer["Location"] == "/t/tidewater/"


def test_what_waits_for_others_is_not_there(invitation: Invitation, charlie: User) -> None:
    assert "Tidewater" not in as_(charlie).get("/workspaces").content.decode()
    answer = as_(charlie).post(f"/workspaces/invitations/{invitation.pk}", {"answer": "join"})
    assert answer.status_code == 404
    assert not Membership.objects.filter(person=charlie, tenant=invitation.tenant).exists()


def test_who_is_in_no_workspace_may_open_a_customers(db: None) -> None:
    loner = make_person("loner")
    client = as_(loner)
    assert "You are in no workspace" in client.get("/").content.decode()
    answer = client.post("/workspaces/new", {"name": "Reyes Bakery"})
    assert answer["Location"].startswith("/t/reyes-bakery")
    assert Membership.objects.get(person=loner).role == Role.OWNER


def test_and_so_may_who_is_in_some_by_the_same_rule_as_the_api(alice: User, tidewater: Tenant) -> None:
    client = as_(alice)
    assert 'href="/workspaces/new"' in client.get("/workspaces").content.decode()
    assert client.post("/workspaces/new", {"name": "Reyes Bakery"}).status_code == 302
    assert Membership.objects.get(person=alice, tenant__name="Reyes Bakery").role == Role.OWNER


def test_visitors_sign_in_first(db: None) -> None:
    for path in ("/workspaces", "/workspaces/new"):
        assert Client().get(path)["Location"].startswith("/sign-in?next=")
    assert Client().post("/workspaces/invitations/inv_1", {"answer": "join"}).status_code == 302


def test_the_list_shows_what_is_suspended(alice: User, tidewater: Tenant) -> None:
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=clock.now(), suspended_because="Unpaid since May")
    join(alice, Tenant.objects.create(name="Other", slug="other", kind="provider"), Role.VIEWER)
    assert "suspended" in as_(alice).get("/workspaces").content.decode()
    assert as_(alice).get("/")["Location"] == "/t/other/"
