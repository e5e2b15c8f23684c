"""Who counts as an operator: with a second factor, where it's asked for, and nowhere without; and what each may."""

import ast
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.contrib import admin
from django.test import Client

from apps.access.services import revoke_token
from apps.accounts.models import User
from apps.accounts.problems import SecondFactorFirst
from apps.accounts.services.people import change_person, reset_second_factor
from apps.audit.models import AuditEvent
from apps.audit.selectors import list_events
from apps.audit.services import record, topics_for
from apps.core.errors import NotAllowed
from apps.core.events.listeners import Claim, judge
from apps.sso.models import IdentityProvider, LinkedIdentity
from apps.sso.services import unlink_identity
from apps.tenants import roles
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role, SystemRole
from apps.tenants.selectors import list_tenants
from apps.tenants.services import create_provider, resume_tenant, suspend_tenant
from apps.tenants.view_as.services import start_viewing
from tests.access.tokens import TokenApi, make_token
from tests.contracts.api import assert_problem
from tests.people import Api, give_second_factor
from tests.tenants.world import join

pytestmark = pytest.mark.django_db

SET_UP = "/account/second-factor/on"


@pytest.fixture(autouse=True)
def _as_in_production(settings: Any) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = True


def again(person: User) -> User:
    """As the next request has them."""
    return User.objects.get(pk=person.pk)


def page_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def hears(person: User, *topics: str) -> set[str]:
    """What the live process lets them listen to."""
    with patch("apps.core.events.listeners.close_old_connections"):
        (verdict,) = judge([Claim(page_of(person).cookies["sessionid"].value, frozenset(topics))])
    return set(topics) - verdict.refused


@pytest.fixture
def event(alice: User, tidewater: Tenant) -> AuditEvent:
    return record(actor=alice, verb="tenant.changed", target=tidewater)


# --- Who counts ------------------------------------------------------------------------------------


def test_an_operator_is_one_from_the_second_factor_on_until_it_is_reset(yuna: User, operator: User) -> None:
    assert (operator.is_operator, operator.needs_second_factor) == (False, True)
    Authenticator.objects.create(user=operator, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert not again(operator).is_operator
    give_second_factor(operator)
    assert (again(operator).is_operator, again(operator).needs_second_factor) == (True, False)
    give_second_factor(yuna)
    reset_second_factor(actor=again(yuna), user=operator)
    assert not again(operator).is_operator


def test_a_second_factor_makes_nobody_an_operator_and_nobody_else_needs_one(alice: User, operator: User) -> None:
    give_second_factor(alice)
    assert (again(alice).is_operator, again(alice).needs_second_factor) == (False, False)
    give_second_factor(operator)
    User.objects.filter(pk=operator.pk).update(is_active=False)
    assert not again(operator).is_operator


def test_where_none_is_asked_for_operators_are_operators_without(settings: Any, operator: User) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = False
    assert (operator.is_operator, operator.needs_second_factor) == (True, False)


def test_becoming_an_operator_ends_what_was_opened_before(settings: Any, yuna: User, alice: User, bob: User) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = False
    clients = {person: page_of(person) for person in (alice, bob)}
    change_person(actor=yuna, user=alice, is_staff=True)
    change_person(actor=yuna, user=bob, name="Robert")
    assert [client.get("/account").status_code for client in clients.values()] == [302, 200]
    change_person(actor=yuna, user=again(alice), name="Alice Liddell", is_staff=True)
    assert page_of(alice).get("/account").status_code == 200


# Where it says what somebody is, protects them, or is set; everything that grants rights asks `is_operator`
MAY_READ_IS_STAFF = {
    "apps/accounts/models.py",
    "apps/accounts/admin.py",
    "apps/accounts/forms.py",
    "apps/accounts/second_factor/adapter.py",
    "apps/accounts/second_factor/stage.py",
    "apps/accounts/services/people.py",
    "apps/sso/services/identities.py",
    "apps/tenants/view_as/services.py",
    "portal/navigation.py",
    "portal/overview.py",
}


def test_nothing_else_asks_whether_somebody_is_staff() -> None:
    base = Path(django_settings.BASE_DIR)
    found = set()
    for path in [*base.glob("apps/**/*.py"), *base.glob("portal/**/*.py")]:
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        if names & {"is_staff", "is_superuser"}:
            found.add(str(path.relative_to(base)))
    # The role that an operator has
    assert found == MAY_READ_IS_STAFF | {"apps/tenants/operators.py"}


# --- Pages -----------------------------------------------------------------------------------------


def test_each_page_says_what_is_missing_and_leads_there(operator: User) -> None:
    page = page_of(operator).get("/audit").content.decode()
    assert "You run the platform, but only with a second factor." in page
    assert f'href="{SET_UP}">Set it up</a>' in page
    give_second_factor(operator)
    assert "only with a second factor" not in page_of(operator).get("/audit").content.decode()


def test_the_log_is_their_own_and_an_entry_of_others_says_why(operator: User, event: AuditEvent) -> None:
    client = page_of(operator)
    page = client.get("/audit").content.decode()
    assert "<h1>Your audit log</h1>" in page
    assert event.pk not in page
    answer = client.get(f"/audit/{event.pk}")
    assert answer.status_code == 403
    assert f'<a class="btn is-primary" href="{SET_UP}">Set up a second factor</a>' in answer.content.decode()
    exported = b"".join(client.get("/audit?format=jsonl").streaming_content)  # type: ignore[attr-defined]
    assert event.pk.encode() not in exported
    give_second_factor(operator)
    page = client.get("/audit").content.decode()
    assert "<h1>Whole audit log</h1>" in page
    assert event.pk in page


def test_how_the_platform_is_stays_hidden(operator: User) -> None:
    client = page_of(operator)
    assert 'id="platform"' not in client.get("/platform").content.decode()
    part = {"HX-Request": "true", "HX-Target": "platform"}
    assert client.get("/platform", headers=part).status_code == 403
    give_second_factor(operator)
    assert 'id="platform"' in client.get("/platform").content.decode()
    assert client.get("/platform", headers=part).status_code == 200


def test_the_menu_has_the_admin_which_says_what_is_missing_and_nothing_else_of_operators(operator: User) -> None:
    client = page_of(operator)
    page = client.get("/account").content.decode()
    assert "Your audit log" in page
    assert "Whole audit log" not in page
    assert 'href="/platform"' not in page
    assert 'href="/admin/"' in page
    give_second_factor(operator)
    page = client.get("/account").content.decode()
    assert "Whole audit log" in page
    assert 'href="/platform"' in page


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/", "/admin/audit/auditevent/", "/admin/jsi18n/"])
def test_the_admin_opens_with_it_only(yuna: User, path: str) -> None:
    client = page_of(yuna)
    answer = client.get(path)
    assert answer.status_code == 403
    assert f'href="{SET_UP}"' in answer.content.decode()
    give_second_factor(yuna)
    assert client.get(path).status_code == 200


def test_the_problem_has_its_page_with_the_way_out(client: Client) -> None:
    page = client.get("/errors/second-factor-first").content.decode()
    assert "Operators have their rights only with a second factor." in page
    assert f'<a href="{SET_UP}">Set up a second factor</a>' in page


# --- API and tokens --------------------------------------------------------------------------------


def asking(person: User) -> list[Api]:
    """In a session, and as a program."""
    return [Api(person), TokenApi(make_token(person, *roles.SCOPES))]


def test_the_api_gives_nothing_of_an_operators(yuna: User, tidewater: Tenant, event: AuditEvent) -> None:
    for api in asking(yuna):
        assert api.get("/v1/tenants").json()["items"] == []
        for answer in (
            api.get(f"/v1/tenants/{tidewater.pk}"),
            api.post(f"/v1/tenants/{tidewater.pk}/suspend", {"reason": "Unpaid"}),
            api.post(f"/v1/tenants/{tidewater.pk}/resume"),
            api.delete(f"/v1/tenants/{tidewater.pk}", if_match='"1"'),
            api.post("/v1/tenants", {"kind": "provider", "name": "Harbour", "owner_email": "zoe@reyes.example"}),
            api.get("/v1/audit-events"),
            api.get("/v1/audit-events", imp_tenant="tidewater"),
            api.get(f"/v1/audit-events/{event.pk}"),
            api.get("/v1/audit-events/export", {"format": "jsonl"}),
        ):
            problem = assert_problem(answer, "second-factor-first")
            assert SET_UP in problem["detail"]
    tidewater.refresh_from_db()
    assert not tidewater.is_suspended
    assert not Tenant.objects.filter(name="Harbour").exists()


def test_with_it_the_same_token_and_session_have_an_operators_rights(
    yuna: User, tidewater: Tenant, event: AuditEvent
) -> None:
    apis = asking(yuna)
    give_second_factor(yuna)
    for api in apis:
        assert [each["id"] for each in api.get("/v1/tenants").json()["items"]] == [tidewater.pk]
        assert event.pk in [each["id"] for each in api.get("/v1/audit-events").json()["items"]]
        assert api.post(f"/v1/tenants/{tidewater.pk}/suspend", {"reason": "Unpaid"}).status_code == 200
        assert api.post(f"/v1/tenants/{tidewater.pk}/resume").status_code == 200


def test_what_is_theirs_as_a_member_stays_theirs(operator: User, tidewater: Tenant, event: AuditEvent) -> None:
    join(operator, tidewater, Role.OWNER)
    for api in asking(operator):
        assert [each["id"] for each in api.get("/v1/tenants").json()["items"]] == [tidewater.pk]
        assert [each["id"] for each in api.get("/v1/audit-events").json()["items"]][-1:] == [event.pk]
    assert page_of(operator).get("/t/tidewater/audit").status_code == 200


# --- Live ------------------------------------------------------------------------------------------


def test_the_stream_tells_of_others_with_it_only(operator: User, alice: User, tidewater: Tenant) -> None:
    own, others = f"audit:{operator.pk}", {"audit", f"audit:{alice.pk}", f"audit:{tidewater.pk}"}
    assert hears(operator, own, *others) == {own}
    assert topics_for(operator) == [own]
    give_second_factor(operator)
    assert hears(operator, own, *others) == {own, *others}
    assert topics_for(again(operator)) == ["audit"]


def test_events_of_tenants_reach_them_with_it_only(operator: User) -> None:
    claim = Claim(page_of(operator).cookies["sessionid"].value, frozenset())
    with patch("apps.core.events.listeners.close_old_connections"):
        assert [verdict.tenants for verdict in judge([claim])] == [frozenset()]
        give_second_factor(operator)
        assert [verdict.tenants for verdict in judge([claim])] == [None]


# --- Services --------------------------------------------------------------------------------------


def test_no_service_takes_them_for_an_operator(yuna: User, alice: User, tidewater: Tenant) -> None:
    provider = IdentityProvider.objects.create(name="Harbour", slug="harbour", issuer="https://h.example")
    identity = LinkedIdentity.objects.create(provider=provider, subject="1", person=alice, email=alice.email)
    token = make_token(alice)
    for attempt in (
        lambda: create_provider(actor=yuna, name="Harbour", owner_email="zoe@reyes.example"),
        lambda: suspend_tenant(actor=yuna, tenant=tidewater, reason="Unpaid"),
        lambda: resume_tenant(actor=yuna, tenant=tidewater),
        lambda: start_viewing(actor=yuna, person=alice, reason="Ticket 4711"),
        lambda: change_person(actor=yuna, user=alice, name="Eve"),
        lambda: reset_second_factor(actor=yuna, user=alice),
        lambda: revoke_token(actor=yuna, token=token),
        lambda: unlink_identity(actor=yuna, identity=identity),
        lambda: Member.of_operator(yuna, tidewater),
    ):
        with pytest.raises(SecondFactorFirst):
            attempt()
    assert not yuna.has_perm("accounts.view_user")
    assert not yuna.has_module_perms("accounts")
    assert not list_tenants(actor=yuna).exists()
    assert not list_events(actor=yuna).exclude(actor_id=yuna.pk).exists()


def test_looking_as_somebody_else_ends_with_the_second_factor(yuna: User, alice: User) -> None:
    give_second_factor(yuna)
    client, viewing = page_of(yuna), start_viewing(actor=again(yuna), person=alice, reason="Ticket 4711")
    session = client.session
    viewing.keep(session)
    session.save()
    assert "You see the console as Alice." in client.get("/workspaces").content.decode()
    Authenticator.objects.filter(user=yuna).delete()
    assert client.get("/workspaces")["Location"] == "/"
    assert AuditEvent.objects.filter(verb="view_as.ended", after__how="no longer allowed").exists()


# --- The table -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("platform.see", SystemRole.values),
        ("tasks.operate", SystemRole.values),
        ("audit.read_all", SystemRole.values),
        ("tokens.revoke", SystemRole.values),
        ("tenants.see", SystemRole.values),
        ("people.manage", [SystemRole.SYSTEM_ADMIN]),
        ("identities.unlink", [SystemRole.SYSTEM_ADMIN]),
    ],
)
def test_the_table_says_what_each_of_the_two_may(permission: str, allowed: list[str]) -> None:
    assert roles.roles_that_may(permission) == allowed


def test_everything_that_the_admin_lets_change_is_in_the_table(operator: User, yuna: User) -> None:
    for person in (operator, yuna):
        give_second_factor(person)
    assert set(roles.ADMIN_NEEDS.values()) <= set(roles.PERMISSIONS)
    for model in admin.site._registry:
        app, name = model._meta.app_label, model._meta.model_name
        assert operator_may(operator, f"{app}.view_{name}")
        needed = roles.ADMIN_NEEDS.get(f"{app}.{name}", roles.ADMIN_NEEDS.get(app))
        for person in (operator, yuna):
            role = SystemRole.SYSTEM_ADMIN if person.is_superuser else SystemRole.SRE_OPERATOR
            is_allowed = needed is not None and roles.may(role, needed)
            assert operator_may(person, f"{app}.change_{name}") is is_allowed, (person, name)


def operator_may(person: User, permission: str) -> bool:
    return again(person).has_perm(permission)


def test_what_the_table_takes_from_a_role_its_services_refuse(
    operator: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_second_factor(operator)
    token = make_token(alice)
    narrowed = {**roles.PERMISSIONS, "tokens.revoke": roles.PERMISSIONS["people.manage"]}
    monkeypatch.setattr(roles, "PERMISSIONS", narrowed)
    with pytest.raises(NotAllowed) as refused:
        revoke_token(actor=again(operator), token=token)
    assert refused.value.extra["roles"] == [SystemRole.SYSTEM_ADMIN]
