"""A token for one workspace ends with its person's place there, and doesn't wake up when they come back."""

import pytest

from apps.access.models import AccessToken
from apps.accounts import departures
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import InvalidInput
from apps.core.walls import walled
from apps.tenants import services
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests.access.tokens import TokenApi, make_token
from tests.people import make_person
from tests.tenants.test_at_once import outcomes
from tests.tenants.world import join, make_tenant, member

pytestmark = pytest.mark.django_db


def is_revoked(token: AccessToken) -> bool:
    return AccessToken.objects.get(pk=token.pk).revoked_at is not None


def remove(actor: User, person: User, tenant: Tenant) -> None:
    membership = Membership.objects.select_related("tenant", "person").get(person=person, tenant=tenant)
    with walled(tenant.pk):
        services.remove_member(actor=member(actor, tenant), membership=membership)


def test_whoever_is_removed_loses_the_tokens_for_it_and_has_none_after_coming_back(
    alice: User, bob: User, tidewater: Tenant
) -> None:
    token = make_token(bob, "workspace:read", tenant=tidewater)
    assert TokenApi(token).get("/v1/members").status_code == 200
    remove(alice, bob, tidewater)
    join(bob, tidewater)
    answer = TokenApi(token).get("/v1/members")
    assert (answer.status_code, "This token was revoked" in answer.json()["detail"]) == (401, True)


def test_whoever_leaves_does_too(bob: User, tidewater: Tenant) -> None:
    token = make_token(bob, "workspace:read", tenant=tidewater)
    with walled(tidewater.pk):
        services.leave_tenant(actor=member(bob, tidewater))
    assert is_revoked(token)


def test_and_whoever_has_lost_the_group_that_brought_them_in(tidewater: Tenant) -> None:
    eve = make_person("eve")
    services.follow_groups(actor=SYSTEM, person=eve, roles={tidewater.pk: Role.QA}, within={tidewater.pk})
    token = make_token(eve, "workspace:read", tenant=tidewater)
    services.follow_groups(actor=SYSTEM, person=eve, roles={tidewater.pk: Role.VIEWER}, within={tidewater.pk})
    assert not is_revoked(token)
    services.follow_groups(actor=SYSTEM, person=eve, roles={}, within={tidewater.pk})
    assert is_revoked(token)


def test_and_whoever_goes_for_good(bob: User, tidewater: Tenant) -> None:
    token = make_token(bob, "workspace:read", tenant=tidewater)
    departures.leave_everything(bob)
    assert is_revoked(token)


def test_it_stands_in_the_workspaces_log_as_done_by_whoever_removed_them(
    alice: User, bob: User, tidewater: Tenant
) -> None:
    token = make_token(bob, "workspace:read", tenant=tidewater)
    remove(alice, bob, tidewater)
    event = AuditEvent.objects.get(verb="token.revoked")
    assert (event.actor_id, event.target_id, event.tenant_id) == (alice.pk, token.pk, tidewater.pk)
    assert event.before["begins_with"] == token.start


def test_what_is_for_elsewhere_for_everywhere_or_somebody_elses_stays(
    alice: User, bob: User, tidewater: Tenant
) -> None:
    other = make_tenant("Other")
    join(bob, other)
    kept = [
        make_token(bob, "workspace:read", tenant=other),
        make_token(bob, "workspace:read"),
        make_token(alice, "workspace:read", tenant=tidewater),
    ]
    remove(alice, bob, tidewater)
    assert [is_revoked(token) for token in kept] == [False, False, False]


@pytest.mark.django_db(transaction=True)
def test_a_token_that_is_made_while_its_person_is_removed(alice: User, bob: User, tidewater: Tenant) -> None:
    """Tried with two real connections."""
    removed_first = outcomes(
        lambda: remove(alice, bob, tidewater), lambda: make_token(bob, "workspace:read", tenant=tidewater)
    )
    assert removed_first == ["done", InvalidInput.__name__]
    join(bob, tidewater)
    made_first = outcomes(
        lambda: make_token(bob, "workspace:read", tenant=tidewater), lambda: remove(alice, bob, tidewater)
    )
    assert made_first == ["done", "done"]
    assert is_revoked(AccessToken.objects.get())
