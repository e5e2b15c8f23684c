"""The pages about who is in a workspace, as a client sees them."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests.people import make_person
from tests.tenants.world import join

MEMBERS = "/t/tidewater/members"
IN_DIALOG = {"HX-Request": "true", "HX-Target": "dialog"}


def as_(person: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


@pytest.fixture
def qa(tidewater: Tenant) -> Membership:
    return join(make_person("Haneul"), tidewater, Role.QA)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "members",
        "roles",
        "invitations",
        "members/invite",
        "members/leave",
        "settings",
        "settings/delete",
        "search?q=bob",
    ],
)
def test_an_owner_opens_every_page(alice: User, tidewater: Tenant, path: str) -> None:
    assert as_(alice).get(f"/t/tidewater/{path}").status_code == 200
