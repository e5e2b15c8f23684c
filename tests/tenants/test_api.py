"""Workspaces over the API: what its contracts promise, and what is special about each."""

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import PERMISSIONS, Role, may
from tests.access.tokens import TokenApi, confirmed, make_token
from tests.contracts.api import ReadContract, assert_problem
from tests.people import Api
from tests.tenants.contract import make_invitation, someone
from tests.tenants.links import token_in_mail_to
from tests.tenants.world import join, make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _world(tidewater: Tenant, hanbit: Tenant) -> None:
    """Alice and Bob are in Tidewater, Charlie in Hanbit; each in one, so that nobody has to say which."""


def row_of(person: User, tenant: Tenant) -> Membership:
    return Membership.objects.get(person=person, tenant=tenant)


class TestMembersApi(ReadContract):
    url = "/v1/members"
    model = Membership
    narrowing = {"role": "qa"}

    def make(self, alice: User, bob: User, count: int = 1) -> list[Membership]:
        tenant = Tenant.objects.get(slug="tidewater")
        return [join(someone(), tenant, Role.QA if number % 2 else Role.VIEWER) for number in range(count)]


class TestInvitationsApi(ReadContract):
    """Alice's alone: a viewer doesn't see who is asked."""

    url = "/v1/invitations"
    model = Invitation
    narrowing = {"role": "qa"}

    def make(self, alice: User, bob: User, count: int = 1) -> list[Invitation]:
        tenant = Tenant.objects.get(slug="tidewater")
        return [make_invitation(tenant, alice, role=("qa", "viewer")[number % 2]) for number in range(count)]

    def test_owner_and_reader_see_it_and_others_do_not(self, alice: User, bob: User, charlie: User) -> None:
        row = self.one(alice, bob)
        assert Api(alice).get(f"{self.url}/{row.pk}").status_code == 200
        document = assert_problem(Api(bob).get(self.url), "not-allowed")
        assert document["roles"] == ["owner", "admin"]
        assert_problem(Api(charlie).get(f"{self.url}/{row.pk}"), "not-found")
        assert Api(charlie).get(self.url).json()["items"] == []


class TestTenantsApi(ReadContract):
    url = "/v1/tenants"
    model = Tenant
    narrowing = {"kind": "customer"}

    def make(self, alice: User, bob: User, count: int = 1) -> list[Tenant]:
        made = [make_tenant(f"W{number}", ("customer", "provider")[number % 2]) for number in self._numbers(count)]
        for tenant in made:
            join(alice, tenant, Role.OWNER)
            join(bob, tenant, Role.VIEWER)
        return made

    def _numbers(self, count: int) -> range:
        there = Tenant.objects.count()
        return range(there, there + count)


# --- Workspaces --------------------------------------------------------------------------------------


def test_each_workspace_says_which_role_one_has_there(alice, bob, tidewater):
    roles = {person.pk: Api(person).get("/v1/tenants").json()["items"][0]["role"] for person in (alice, bob)}
    assert roles == {alice.pk: "owner", bob.pk: "viewer"}


def test_operators_see_all_and_their_role_in_those_they_are_in(operator, tidewater):
    join(operator, tidewater)
    items = Api(operator).get("/v1/tenants").json()["items"]
    assert {item["slug"]: item["role"] for item in items} == {"tidewater": "viewer", "hanbit": None}


def test_anybody_opens_a_customer_s_workspace_and_owns_it(charlie):
    response = Api(charlie).post("/v1/tenants", {"name": "Reyes Books"})
    assert response.status_code == 201, response.content
    assert response.json().items() >= {"kind": "customer", "name": "Reyes Books", "role": "owner"}.items()
    assert Api(charlie).get(response["Location"]).json() == response.json()


def test_a_customer_s_workspace_takes_neither_address_nor_another_s_owner(charlie):
    body = {"name": "Reyes", "slug": "reyes", "owner_email": "zoe@reyes.example"}
    document = assert_problem(Api(charlie).post("/v1/tenants", body), "invalid-input")
    assert sorted(error["path"] for error in document["errors"]) == ["/owner_email", "/slug"]


def test_a_provider_s_is_opened_by_a_system_administrator(alice, operator, yuna):
    body = {"kind": "provider", "name": "Reyes", "slug": "reyes", "owner_email": "zoe@reyes.example"}
    for person in (alice, operator):
        document = assert_problem(Api(person).post("/v1/tenants", body), "not-allowed")
        assert document["roles"] == ["system-admin"]
    response = Api(yuna).post("/v1/tenants", body)
    assert response.json().items() >= {"slug": "reyes", "kind": "provider", "role": None}.items()
    assert token_in_mail_to("zoe@reyes.example")


def test_a_workspace_is_renamed_by_the_version_that_was_read(alice, bob, charlie, tidewater):
    path = f"/v1/tenants/{tidewater.pk}"
    etag = Api(alice).get(path)["ETag"]
    assert_problem(Api(alice).patch(path, {"name": "T"}), "version-required")
    assert_problem(Api(bob).patch(path, {"name": "T"}, if_match=etag), "not-allowed")
    assert_problem(Api(charlie).patch(path, {"name": "T"}, if_match=etag), "not-found")
    response = Api(alice).patch(path, {"name": "Tidewater Freight"}, if_match=etag)
    assert response.json().items() >= {"name": "Tidewater Freight", "slug": "tidewater", "role": "owner"}.items()
    assert_problem(Api(alice).patch(path, {"name": "Again"}, if_match=etag), "stale-version")
    assert Tenant.objects.get(pk=tidewater.pk).name == "Tidewater Freight"


def test_the_address_of_another_workspace_is_taken(alice, tidewater):
    path = f"/v1/tenants/{tidewater.pk}"
    document = assert_problem(Api(alice).patch(path, {"slug": "hanbit"}, if_match="*"), "invalid-input")
    assert [error["path"] for error in document["errors"]] == ["/slug"]


def test_a_workspace_is_deleted_by_its_owner_alone(alice, bob, charlie, tidewater, hanbit):
    path = f"/v1/tenants/{tidewater.pk}"
    etag = Api(alice).get(path)["ETag"]
    assert_problem(Api(bob).delete(path, if_match=etag), "not-allowed")
    assert_problem(Api(charlie).delete(path, if_match=etag), "not-found")
    assert_problem(Api(alice).delete(path), "version-required")
    assert_problem(Api(alice).delete(path, if_match=etag), "confirm-first")
    assert confirmed(alice).delete(path, if_match=etag).status_code == 204
    assert list(Tenant.objects.all()) == [hanbit]


def test_a_member_leaves_and_the_last_owner_does_not(alice, bob, tidewater):
    path = f"/v1/tenants/{tidewater.pk}/leave"
    assert_problem(Api(alice).post(path), "last-owner")
    assert Api(bob).post(path).status_code == 204
    assert not Membership.objects.filter(person=bob).exists()


def test_a_token_for_one_workspace_sees_and_changes_that_one_alone(alice, tidewater, hanbit):
    join(alice, hanbit, Role.OWNER)
    narrow = TokenApi(make_token(alice, "workspace:read", "workspace:write", tenant=tidewater))
    changed = narrow.patch(f"/v1/tenants/{tidewater.pk}", {"name": "Tidewater Freight"}, if_match="*")
    assert changed.json()["name"] == "Tidewater Freight"
    assert_problem(narrow.patch(f"/v1/tenants/{hanbit.pk}", {"name": "X"}, if_match="*"), "not-found")
    assert {item["tenant"] for item in narrow.get("/v1/members").json()["items"]} == {tidewater.pk}
    assert_problem(narrow.get("/v1/members", imp_tenant="hanbit"), "not-found")
    assert_problem(narrow.post(f"/v1/tenants/{tidewater.pk}/leave"), "token-too-narrow")


def test_a_token_that_reads_changes_nothing(alice, bob, tidewater):
    reading = TokenApi(make_token(alice, "account:read", "workspace:read"))
    path = f"/v1/members/{row_of(bob, tidewater).pk}"
    assert reading.get(path).status_code == 200
    refused = assert_problem(reading.patch(path, {"role": "qa"}, if_match="*"), "token-too-narrow")
    assert refused["scope"] == "workspace:write"
    assert_problem(reading.delete(path, if_match="*"), "token-too-narrow")
    assert_problem(reading.post(f"{path}/hand-over"), "token-too-narrow")
    assert_problem(reading.patch(f"/v1/tenants/{tidewater.pk}", {"name": "X"}, if_match="*"), "token-too-narrow")
    assert row_of(bob, tidewater).role == "viewer"


def test_suspending_and_resuming_is_a_system_administrator_s(alice, operator, yuna, tidewater):
    path = f"/v1/tenants/{tidewater.pk}"
    for person in (alice, operator):
        assert_problem(Api(person).post(f"{path}/suspend", {"reason": "Unpaid"}), "not-allowed")
    administrator = Api(yuna)
    document = assert_problem(administrator.post(f"{path}/suspend", {}), "invalid-input")
    assert document["errors"][0]["path"] == "/reason"
    assert administrator.post(f"{path}/suspend", {"reason": "Unpaid"}).json()["suspended_because"] == "Unpaid"
    for asked in ("/v1/members", "/v1/invitations"):
        assert "Unpaid" in assert_problem(Api(alice).get(asked), "tenant-suspended")["detail"]
    assert Api(alice).get(path).json()["suspended_because"] == "Unpaid"
    assert_problem(Api(alice).patch(path, {"name": "X"}, if_match="*"), "tenant-suspended")
    assert administrator.post(f"{path}/resume").json()["suspended_at"] is None
    assert Api(alice).get("/v1/members").status_code == 200


# --- Members -----------------------------------------------------------------------------------------


def test_a_role_is_changed_by_the_version_that_was_read(alice, bob, charlie, tidewater):
    path = f"/v1/members/{row_of(bob, tidewater).pk}"
    etag = Api(alice).get(path)["ETag"]
    assert_problem(Api(alice).patch(path, {"role": "qa"}), "version-required")
    assert_problem(Api(bob).patch(path, {"role": "qa"}, if_match=etag), "not-allowed")
    assert_problem(Api(charlie).patch(path, {"role": "qa"}, if_match=etag), "not-found")
    response = Api(alice).patch(path, {"role": "qa"}, if_match=etag)
    assert (response.status_code, response.json()["role"]) == (200, "qa")
    assert_problem(Api(alice).patch(path, {"role": "viewer"}, if_match=etag), "stale-version")
    assert row_of(bob, tidewater).role == "qa"


@pytest.mark.parametrize(
    ("body", "path"), [({"role": "king"}, "/role"), ({"role": "consumer"}, "/role"), ({"email": "x"}, "/email")]
)
def test_what_will_not_do_is_named(alice, bob, tidewater, body, path):
    response = Api(alice).patch(f"/v1/members/{row_of(bob, tidewater).pk}", body, if_match="*")
    assert [error["path"] for error in assert_problem(response, "invalid-input")["errors"]] == [path]


def test_a_member_is_removed_and_the_last_owner_neither_demoted_nor_removed(alice, bob, charlie, tidewater):
    path = f"/v1/members/{row_of(bob, tidewater).pk}"
    assert_problem(Api(charlie).delete(path, if_match="*"), "not-found")
    assert_problem(Api(bob).delete(path, if_match="*"), "not-allowed")
    assert Api(alice).delete(path, if_match="*").status_code == 204
    own = f"/v1/members/{row_of(alice, tidewater).pk}"
    assert_problem(Api(alice).patch(own, {"role": "admin"}, if_match="*"), "last-owner")
    assert_problem(Api(alice).delete(own, if_match="*"), "conflict")
    assert row_of(alice, tidewater).role == "owner"


def test_ownership_is_handed_over_once_even_where_the_request_comes_twice(alice, bob, charlie, tidewater):
    path = f"/v1/members/{row_of(bob, tidewater).pk}/hand-over"
    assert_problem(Api(bob).post(path), "not-allowed")
    assert_problem(Api(charlie).post(path), "not-found")
    assert_problem(Api(alice).post(path), "confirm-first")
    api = confirmed(alice)
    first, second = (api.post(path, idempotency_key="k") for _ in range(2))
    assert first.json() == second.json()
    assert first.json()["role"] == "owner"
    assert row_of(alice, tidewater).role == "admin"
    assert AuditEvent.objects.filter(verb="tenant.handed_over").count() == 1


# --- Invitations -------------------------------------------------------------------------------------


def test_an_invitation_is_made_once_and_its_link_is_not_in_the_answer(alice, bob):
    body = {"email": "zoe@reyes.example", "role": "qa", "note": "See you on Monday."}
    assert_problem(Api(bob).post("/v1/invitations", body), "not-allowed")
    first, second = (Api(alice).post("/v1/invitations", body, idempotency_key="k") for _ in range(2))
    assert (first.status_code, second.content) == (201, first.content)
    assert first.json().items() >= {"email": "zoe@reyes.example", "delivery": "queued", "invited_by": alice.pk}.items()
    assert token_in_mail_to("zoe@reyes.example") not in first.content.decode()
    assert Api(alice).get(first["Location"]).json() == first.json()
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"role": "qa"}, "/email"),
        ({"email": "zoe", "role": "qa"}, "/email"),
        ({"email": "bob@tidewater.example", "role": "qa"}, "/email"),
        ({"email": "zoe@reyes.example", "role": "owner"}, "/role"),
        ({"email": "zoe@reyes.example", "role": "consumer"}, "/role"),
        ({"email": "zoe@reyes.example", "role": "qa", "note": "https://evil.example"}, "/note"),
        ({"email": "zoe@reyes.example", "role": "qa", "token": "x"}, "/token"),
    ],
)
def test_a_wrong_invitation_is_not_made_and_says_where(alice, body, path):
    document = assert_problem(Api(alice).post("/v1/invitations", body), "invalid-input")
    assert [error["path"] for error in document["errors"]] == [path]
    assert not Invitation.objects.exists()


def test_an_address_is_changed_a_link_sent_again_and_revoked(alice, bob, charlie, tidewater):
    row = make_invitation(tidewater, alice, "zoe@reyes.exmaple")
    path = f"/v1/invitations/{row.pk}"
    for person, slug in ((bob, "not-allowed"), (charlie, "not-found")):
        assert_problem(Api(person).patch(path, {"email": "x@reyes.example"}, if_match="*"), slug)
        for verb in ("resend", "revoke"):
            assert_problem(Api(person).post(f"{path}/{verb}"), slug)
    etag = Api(alice).get(path)["ETag"]
    changed = Api(alice).patch(path, {"email": "zoe@reyes.example"}, if_match=etag)
    assert changed.json()["email"] == "zoe@reyes.example"
    assert_problem(Api(alice).patch(path, {"email": "x@reyes.example"}, if_match=etag), "stale-version")
    refused = Api(alice).post(f"{path}/resend")
    assert_problem(refused, "conflict")
    assert int(refused["Retry-After"]) > 0
    Invitation.objects.update(sent_at=clock.now() - timedelta(hours=1))
    assert Api(alice).post(f"{path}/resend").status_code == 200
    assert Api(alice).post(f"{path}/revoke").status_code == 204
    assert_problem(Api(alice).get(path), "not-found")


# --- What waits for oneself --------------------------------------------------------------------------


def test_one_sees_and_answers_what_was_sent_to_one_s_address(alice, bob, charlie, tidewater):
    row = make_invitation(tidewater, alice, charlie.email)
    (item,) = Api(charlie).get("/v1/me/invitations").json()["items"]
    assert item.items() >= {"id": row.pk, "tenant": tidewater.pk, "tenant_name": "Tidewater", "role": "qa"}.items()
    assert Api(bob).get("/v1/me/invitations").json()["items"] == []
    assert_problem(Api(bob).post(f"/v1/me/invitations/{row.pk}/accept"), "not-found")
    accepted = Api(charlie).post(f"/v1/me/invitations/{row.pk}/accept")
    assert accepted.json().items() >= {"tenant": tidewater.pk, "person": charlie.pk, "role": "qa"}.items()
    assert_problem(Api(charlie).post(f"/v1/me/invitations/{row.pk}/accept"), "not-found")


def test_one_declines(alice, charlie, tidewater):
    row = make_invitation(tidewater, alice, charlie.email)
    assert Api(charlie).post(f"/v1/me/invitations/{row.pk}/decline").status_code == 204
    assert Api(charlie).get("/v1/me/invitations").json()["items"] == []
    assert not Membership.objects.filter(person=charlie, tenant=tidewater).exists()


# --- Roles -------------------------------------------------------------------------------------------


def test_the_table_says_what_the_code_asks(bob):
    tables: list[dict[str, Any]] = Api(bob).get("/v1/roles").json()["items"]
    assert [table["kind"] for table in tables] == ["provider", "customer", "platform"]
    told = {line["key"] for table in tables for line in table["permissions"]}
    assert told == set(PERMISSIONS)
    for table in tables:
        kind = "" if table["kind"] == "platform" else table["kind"]
        for line in table["permissions"]:
            assert set(line["roles"]) <= set(table["roles"])
            for role in table["roles"]:
                for stage in ("dev", "staging", "prod"):
                    grant = line["roles"].get(role)
                    said = grant is not None and (not grant["stages"] or stage in grant["stages"])
                    assert may(role, line["key"], kind=kind, stage=stage, is_own=True) is said, (role, line["key"])


def test_strangers_are_told_to_sign_in():
    assert_problem(Api().get("/v1/roles"), "not-signed-in")


def test_a_change_of_nothing_changes_nothing(alice: User, tidewater: Tenant) -> None:
    invitation = make_invitation(tidewater, alice)
    membership = row_of(alice, tidewater)
    for path in (f"/v1/invitations/{invitation.pk}", f"/v1/members/{membership.pk}", f"/v1/tenants/{tidewater.pk}"):
        etag = Api(alice).get(path)["ETag"]
        known = AuditEvent.objects.count()
        response = Api(alice).patch(path, {}, if_match=etag)
        assert (response.status_code, response["ETag"]) == (200, etag), path
        assert AuditEvent.objects.count() == known
