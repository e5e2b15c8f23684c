"""Who may make, revoke and put away which token, and what is written down about it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.access import services
from apps.access.models import AccessToken
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.core.events.models import Event
from apps.core.events.topics import may_listen
from apps.tenants.models import Membership, Tenant
from apps.tenants.problems import TenantSuspended, TokenTooNarrow
from apps.tenants.roles import SCOPES, Kind
from tests.access.tokens import make_token, text_of
from tests.at_once import at_once
from tests.contracts.service import ServiceContract
from tests.tenants.world import join, make_tenant


class TestCreateToken(ServiceContract):
    """Everybody their own; there is nobody else's to make."""

    watched = (AccessToken,)
    verb = "token.created"
    covers = (services.create_token,)
    allowed = ("alice", "bob", "charlie", "operator")
    refused = {}

    def make(self, alice: User, bob: User) -> None:
        return None

    def call(self, actor: User, row: Any) -> AccessToken:
        return make_token(actor)


class TestRevokeToken(ServiceContract):
    watched = (AccessToken,)
    verb = "token.revoked"
    covers = (services.revoke_token,)
    allowed = ("alice", "operator")
    refused = {"bob": NotFound, "charlie": NotFound}

    def make(self, alice: User, bob: User) -> AccessToken:
        return make_token(alice)

    def call(self, actor: User, row: AccessToken) -> AccessToken:
        return services.revoke_token(actor=actor, token=row)


class TestRemoveToken(ServiceContract):
    watched = (AccessToken,)
    verb = "token.removed"
    covers = (services.remove_token,)
    refused = {"bob": NotFound, "charlie": NotFound, "operator": NotFound}

    def make(self, alice: User, bob: User) -> AccessToken:
        token = make_token(alice)
        AccessToken.objects.filter(pk=token.pk).update(expires_at=clock.now())
        return token

    def call(self, actor: User, row: AccessToken) -> None:
        services.remove_token(actor=actor, token=row)


def refusals_of(person: User, **changed: Any) -> dict[str, list[str]]:
    """What is said at which field."""
    wanted = {
        "name": "release-bot",
        "scopes": ["account:read"],
        "expires_at": clock.now() + timedelta(days=30),
        **changed,
    }
    with pytest.raises(InvalidInput) as raised:
        services.create_token(actor=person, **wanted)
    assert not AccessToken.objects.exists()
    return raised.value.fields


def test_the_text_is_on_the_new_object_only_and_nothing_like_it_in_the_database(alice: User) -> None:
    token = make_token(alice)
    kept = AccessToken.objects.get(pk=token.pk)
    assert kept.secret is None
    stored = [str(value) for value in AccessToken.objects.filter(pk=token.pk).values_list().get()]
    stored += [str(value) for row in AuditEvent.objects.values_list() for value in row]
    assert not [value for value in stored if text_of(token)[16:] in value]
    assert str(token.secret) != text_of(token)


def test_the_audit_log_says_what_it_may(alice: User, tidewater: Tenant) -> None:
    token = make_token(alice, "functions:write", tenant=tidewater)
    event = AuditEvent.objects.get(verb="token.created")
    assert event.after["scopes"] == ["functions:read", "functions:write"]
    assert event.after["workspace"] == event.tenant_id == tidewater.pk
    assert (event.target_id, event.target_label) == (token.pk, "release-bot")


def test_to_change_is_to_read_as_well(alice: User) -> None:
    token = make_token(alice, "gateways:write", "functions:read", "gateways:write")
    assert token.scopes == ["functions:read", "gateways:read", "gateways:write"]
    assert token.shown_scopes == ["functions:read", "gateways:write"]


def test_a_name_is_asked_for_and_one_line(alice: User) -> None:
    assert list(refusals_of(alice, name="  ")) == ["name"]
    assert list(refusals_of(alice, name="x" * 81)) == ["name"]
    assert make_token(alice, name=" release \n bot ").name == "release bot"


def test_it_must_be_allowed_something_that_there_is(alice: User) -> None:
    assert list(refusals_of(alice, scopes=[])) == ["scopes"]
    assert "fleet:write" in refusals_of(alice, scopes=["account:read", "fleet:write"])["scopes"][0]


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_its_end_is_to_come_and_within_a_year(alice: User, days: int) -> None:
    assert list(refusals_of(alice, expires_at=clock.now() + timedelta(days=days))) == ["expires_at"]


def test_a_workspace_is_one_of_the_persons_own(alice: User, tidewater: Tenant, hanbit: Tenant) -> None:
    assert list(refusals_of(alice, tenant=hanbit, scopes=["functions:read"])) == ["tenant"]
    assert make_token(alice, "functions:read", tenant=tidewater).tenant == tidewater


def test_a_token_of_a_workspace_has_nothing_to_do_with_the_account(alice: User, tidewater: Tenant) -> None:
    said = refusals_of(alice, tenant=tidewater, scopes=["functions:read", "account:read"])
    assert list(said) == ["scopes"]
    assert "belongs to no workspace" in said["scopes"][0]


def test_scopes_that_mean_nothing_in_that_kind_of_workspace_are_refused(alice: User, tidewater: Tenant) -> None:
    said = refusals_of(alice, tenant=tidewater, scopes=["functions:read", "subscriptions:write"])["scopes"][0]
    assert "subscriptions:write" in said
    assert "functions:read" not in said
    shop = make_tenant("Greenmarket", Kind.CUSTOMER)
    join(alice, shop)
    assert make_token(alice, "subscriptions:write", tenant=shop).scopes


def test_a_suspended_workspace_gets_no_tokens(alice: User, tidewater: Tenant) -> None:
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=clock.now(), suspended_because="Unpaid.")
    tidewater.refresh_from_db()
    with pytest.raises(TenantSuspended):
        make_token(alice, "functions:read", tenant=tidewater)


def test_everything_is_told_as_everything(alice: User, tidewater: Tenant) -> None:
    assert make_token(alice, *SCOPES).may_everything
    assert not make_token(alice, *SCOPES[:-1]).may_everything
    of_provider = [scope for scope in SCOPES if not scope.startswith(("account:", "subscriptions:"))]
    assert make_token(alice, *of_provider, tenant=tidewater).may_everything


def test_a_token_makes_none_that_may_more(alice: User) -> None:
    through = make_token(alice, "account:write", "functions:read")
    with pytest.raises(TokenTooNarrow) as raised:
        make_token(alice, "account:read", "functions:write", through=through)
    assert raised.value.extra["scope"] == "functions:write"
    assert make_token(alice, "functions:read", days=29, through=through).scopes == ["functions:read"]


def test_a_token_makes_none_that_outlives_it(alice: User) -> None:
    through = make_token(alice, days=7)
    with pytest.raises(InvalidInput) as raised:
        make_token(alice, days=8, through=through)
    assert list(raised.value.fields) == ["expires_at"]


def test_a_token_of_one_workspace_makes_none_for_others(alice: User, tidewater: Tenant) -> None:
    other = make_tenant("Other")
    join(alice, other)
    through = make_token(alice, "functions:read", tenant=tidewater)
    for tenant in (None, other):
        with pytest.raises(InvalidInput) as raised:
            make_token(alice, "functions:read", days=29, tenant=tenant, through=through)
        assert list(raised.value.fields) == ["tenant"]


def test_there_is_a_most_and_what_is_over_does_not_count(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_AT_ONCE", 3)
    tokens = [make_token(alice) for _ in range(3)]
    with pytest.raises(Conflict):
        make_token(alice)
    services.revoke_token(actor=alice, token=tokens[0])
    AccessToken.objects.filter(pk=tokens[1].pk).update(expires_at=clock.now())
    make_token(alice)
    make_token(alice)
    with pytest.raises(Conflict):
        make_token(alice)


def test_revoked_is_revoked_once(alice: User) -> None:
    token = make_token(alice)
    stale = AccessToken.objects.get(pk=token.pk)
    services.revoke_token(actor=alice, token=token)
    first = AccessToken.objects.get(pk=token.pk).revoked_at
    with pytest.raises(Conflict):
        services.revoke_token(actor=alice, token=stale)
    assert AccessToken.objects.get(pk=token.pk).revoked_at == first


def test_what_still_works_is_not_put_away(alice: User) -> None:
    token = make_token(alice)
    with pytest.raises(Conflict):
        services.remove_token(actor=alice, token=token)
    services.revoke_token(actor=alice, token=token)
    services.remove_token(actor=alice, token=token)
    assert not AccessToken.objects.exists()
    with pytest.raises(NotFound):
        services.remove_token(actor=alice, token=token)


def test_every_change_is_told_to_the_persons_pages_and_no_others(alice: User, bob: User, tidewater: Tenant) -> None:
    token = make_token(alice, "functions:read", tenant=tidewater)
    services.revoke_token(actor=alice, token=token)
    services.remove_token(actor=alice, token=token)
    told = Event.objects.filter(topic=f"tokens:{alice.pk}").order_by("pk")
    assert [(event.kind, event.ref, event.tenant_id) for event in told] == [
        ("created", token.pk, ""),
        ("revoked", token.pk, ""),
        ("removed", token.pk, ""),
    ]
    topic = f"tokens:{alice.pk}"
    assert [may_listen(person, topic) for person in (alice, bob, AnonymousUser())] == [True, False, False]
    assert not may_listen(alice, "tokens")


def test_a_deactivated_operator_revokes_nothing(alice: User, operator: User) -> None:
    operator.is_active = False
    with pytest.raises(NotFound):
        services.revoke_token(actor=operator, token=make_token(alice))


def test_it_goes_with_the_workspace_and_stays_when_the_person_leaves(alice: User, bob: User, tidewater: Tenant) -> None:
    token = make_token(bob, "functions:read", tenant=tidewater)
    Membership.objects.filter(person=bob).delete()
    assert AccessToken.objects.filter(pk=token.pk).exists()
    tidewater.delete()
    assert not AccessToken.objects.filter(pk=token.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_of_several_made_at_once_no_more_are_kept_than_there_may_be(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried with six real connections."""
    monkeypatch.setattr(services, "MOST_AT_ONCE", 3)
    ends = at_once(*[lambda: make_token(alice)] * 6)
    assert len([end for end in ends if isinstance(end, Conflict)]) == 3
    assert AccessToken.objects.count() == 3
