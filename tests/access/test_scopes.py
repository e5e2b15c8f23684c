"""A token does what its scopes and its person's role both allow."""

import pytest

from apps.access.scopes import groups_for, scopes_for
from apps.accounts.models import User
from apps.core import clock
from apps.core.api.views import ApiView
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import SCOPES, Kind
from tests.access.tokens import TokenApi, make_token
from tests.contracts.api import assert_problem
from tests.tenants.world import join, make_tenant


def test_reading_needs_the_scope_to_read_and_changing_the_one_to_change(alice: User) -> None:
    reader, stranger = TokenApi(make_token(alice, "account:read")), TokenApi(make_token(alice, "functions:write"))
    etag = reader.get("/v1/me")["ETag"]
    for answer, scope in (
        (reader.patch("/v1/me", {"name": "Ada"}, if_match=etag), "account:write"),
        (stranger.get("/v1/me"), "account:read"),
        (stranger.patch("/v1/me", {"name": "Ada"}, if_match=etag), "account:write"),
    ):
        assert assert_problem(answer, "token-too-narrow")["scope"] == scope
    alice.refresh_from_db()
    assert alice.name == "Alice"


def test_an_endpoint_that_names_no_scope_is_closed_to_tokens(alice: User) -> None:
    """The sample's notes have never heard of tokens."""
    answer = TokenApi(make_token(alice)).get("/v1/notes")
    assert_problem(answer, "token-too-narrow")
    assert ApiView.scope == ""


def test_every_group_of_the_roles_table_can_be_offered() -> None:
    offered = {group.slug for group in groups_for(list(Kind), with_account=True)}
    assert offered == {scope.partition(":")[0] for scope in SCOPES}
    assert sorted(scopes_for(list(Kind), with_account=True)) == sorted(SCOPES)


def test_public_endpoints_take_any_token(alice: User) -> None:
    assert TokenApi(make_token(alice, "functions:read")).get("/v1/").status_code == 200


def test_a_token_of_a_workspace_works_in_that_one(alice: User, tidewater: Tenant) -> None:
    other = make_tenant("Other")
    join(alice, other, "owner")
    api = TokenApi(make_token(alice, "workspace:read", tenant=tidewater))
    members = api.get("/v1/members")
    assert members.status_code == 200, members.content
    assert {item["tenant"] for item in members.json()["items"]} <= {tidewater.pk}
    assert_problem(api.get("/v1/members", imp_tenant="other"), "not-found")


def test_a_token_of_every_workspace_is_told_to_choose(alice: User, tidewater: Tenant) -> None:
    join(alice, make_tenant("Other"), "owner")
    api = TokenApi(make_token(alice, "workspace:read"))
    assert_problem(api.get("/v1/members"), "choose-tenant")
    assert api.get("/v1/members", imp_tenant="tidewater").status_code == 200


def test_a_token_may_no_more_than_its_person(bob: User, tidewater: Tenant) -> None:
    api = TokenApi(make_token(bob, "workspace:write", tenant=tidewater))
    answer = api.post("/v1/invitations", {"email": "new@tidewater.example", "role": "viewer"})
    assert_problem(answer, "not-allowed")


def test_a_token_may_no_more_than_its_scopes(alice: User, tidewater: Tenant) -> None:
    api = TokenApi(make_token(alice, "workspace:read", tenant=tidewater))
    answer = api.post("/v1/invitations", {"email": "new@tidewater.example", "role": "viewer"})
    assert assert_problem(answer, "token-too-narrow")["scope"] == "workspace:write"


@pytest.mark.parametrize("is_bound", [True, False])
def test_a_token_of_somebody_who_left_does_nothing_there(bob: User, tidewater: Tenant, is_bound: bool) -> None:
    token = make_token(bob, "workspace:read", tenant=tidewater if is_bound else None)
    Membership.objects.filter(person=bob).delete()
    assert_problem(TokenApi(token).get("/v1/members"), "not-found")


def test_a_suspended_workspace_is_closed_to_tokens_too(alice: User, tidewater: Tenant) -> None:
    token = make_token(alice, "workspace:read", tenant=tidewater)
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=clock.now(), suspended_because="Unpaid.")
    assert_problem(TokenApi(token).get("/v1/members"), "tenant-suspended")


def test_what_others_own_is_not_there(alice: User, charlie: User, tidewater: Tenant, hanbit: Tenant) -> None:
    api = TokenApi(make_token(charlie, "workspace:read"))
    assert_problem(api.get("/v1/members", imp_tenant="tidewater"), "not-found")


def test_suspending_is_about_the_workspace_and_not_about_ones_account(yuna: User, tidewater: Tenant) -> None:
    path = f"/v1/tenants/{tidewater.pk}"
    account = TokenApi(make_token(yuna))
    for answer in (account.post(f"{path}/suspend", {"reason": "Unpaid."}), account.post(f"{path}/resume")):
        assert assert_problem(answer, "token-too-narrow")["scope"] == "workspace:write"
    assert not Tenant.objects.get(pk=tidewater.pk).is_suspended
    able = TokenApi(make_token(yuna, "workspace:write", "account:read"))
    assert able.post(f"{path}/suspend", {"reason": "Unpaid."}).status_code == 200
