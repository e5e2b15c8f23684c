"""Roles follow the provider's groups at each sign-in, and only those that groups gave."""

import pytest
from django.test import Client

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.sso import services
from apps.sso.arrivals import read_claims
from apps.sso.models import GivenRole, IdentityProvider, LinkedIdentity
from apps.tenants.models import Membership
from apps.tenants.services import change_role
from tests.people import make_person
from tests.sso.visits import CLAES, Visit
from tests.tenants.world import join, member

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mapped(keycloak, tidewater, hanbit, developers) -> None:
    for group, tenant, role in (
        ("imp-owners", tidewater, "owner"),
        ("imp-viewers", tidewater, "viewer"),
        ("hanbit-qa", hanbit, "qa"),
    ):
        services.set_group_role(actor=SYSTEM, provider=keycloak, group=group, tenant=tenant, role=role)


def comes_with(visit: Visit, *groups: str):
    """Signs in anew, as the groups are now."""
    visit.client = Client()
    visit.knows(**{**CLAES, "groups": list(groups)})
    return visit.sign_in()


def roles() -> dict[str, str]:
    rows = Membership.objects.filter(person__email=CLAES["email"]).select_related("tenant")
    return {row.tenant.name: row.role for row in rows}


def test_each_group_gives_its_role_in_its_workspace_and_the_strongest_counts(visit):
    comes_with(visit, "imp-viewers", "imp-developers", "hanbit-qa", "staff")
    assert roles() == {"Tidewater": "api-developer", "Hanbit": "qa"}


def test_a_group_that_is_gone_takes_its_role_along_at_the_next_sign_in(visit):
    comes_with(visit, "imp-developers", "hanbit-qa")
    comes_with(visit, "hanbit-qa")
    assert roles() == {"Hanbit": "qa"}
    event = AuditEvent.objects.filter(verb="member.removed").get()
    assert (event.actor_label, event.before["role"]) == ("Keycloak", "api-developer")


def test_another_group_changes_the_role(visit):
    comes_with(visit, "imp-viewers")
    comes_with(visit, "imp-developers")
    assert roles() == {"Tidewater": "api-developer"}
    comes_with(visit, "imp-viewers")
    assert roles() == {"Tidewater": "viewer"}


def test_whoever_loses_the_last_role_is_refused_and_the_role_is_gone_all_the_same(visit):
    comes_with(visit, "imp-developers")
    answer = comes_with(visit)
    assert answer.status_code == 403
    assert "Signed in, but without a role" in answer.content.decode()
    assert visit.person() is None
    assert roles() == {}


def test_a_claim_that_is_missing_is_no_group(visit):
    comes_with(visit, "imp-developers")
    visit.client = Client()
    visit.knows(**{name: value for name, value in CLAES.items() if name != "groups"})
    assert visit.sign_in().status_code == 403
    assert roles() == {}


def test_what_somebody_gave_by_hand_stays_whatever_the_groups_say(visit, tidewater):
    join(make_person("claes"), tidewater, "qa")
    comes_with(visit, "imp-viewers")
    assert roles() == {"Tidewater": "qa"}
    comes_with(visit)
    assert roles() == {"Tidewater": "qa"}


def test_a_role_that_somebody_changed_by_hand_is_theirs_from_then_on(visit, alice, tidewater):
    comes_with(visit, "imp-viewers")
    membership = Membership.objects.get(person__email=CLAES["email"])
    change_role(actor=member(alice, tidewater), membership=membership, role="qa")
    comes_with(visit, "imp-developers")
    comes_with(visit)
    assert roles() == {"Tidewater": "qa"}


def test_the_last_owner_stays_and_goes_once_there_is_another(visit, alice, tidewater):
    comes_with(visit, "imp-owners")
    Membership.objects.filter(person=alice).update(role="viewer")
    comes_with(visit)
    assert roles() == {"Tidewater": "owner"}
    Membership.objects.filter(person=alice).update(role="owner")
    comes_with(visit)
    assert roles() == {}


def test_a_role_of_the_mapping_that_is_gone_goes_at_the_next_sign_in(visit, keycloak, yuna):
    comes_with(visit, "imp-developers", "hanbit-qa")
    services.remove_group_role(actor=yuna, group_role=keycloak.group_roles.get(group="hanbit-qa"))
    assert roles() == {"Tidewater": "api-developer", "Hanbit": "qa"}
    comes_with(visit, "imp-developers", "hanbit-qa")
    assert roles() == {"Tidewater": "api-developer"}


def test_two_providers_dont_take_away_what_the_other_gave(visit, keycloak, yuna, tidewater):
    other = services.create_provider(
        actor=yuna, slug="other", name="Other", issuer=keycloak.issuer, client_id="imp-public", email_domains="*"
    )
    services.set_group_role(actor=yuna, provider=other, group="staff", tenant=tidewater, role="owner")
    comes_with(visit, "imp-developers", "staff")
    visit.client = Client()
    visit.sign_in(path="/sso/other")
    assert roles() == {"Tidewater": "owner"}
    comes_with(visit, "imp-developers")
    assert roles() == {"Tidewater": "owner"}
    services.unlink_identity(actor=SYSTEM, identity=LinkedIdentity.objects.get(provider=other))
    assert roles() == {"Tidewater": "api-developer"}


def test_the_groups_may_lie_deeper(visit, keycloak, yuna):
    services.change_provider(actor=yuna, provider=keycloak, groups_claim="realm_access.roles")
    visit.knows(**{**CLAES, "groups": ["imp-owners"], "realm_access": {"roles": ["hanbit-qa", 7, None]}})
    visit.sign_in()
    assert roles() == {"Hanbit": "qa"}


@pytest.mark.parametrize(
    ("path", "claims", "groups"),
    [
        ("groups", {"groups": "one"}, ("one",)),
        ("groups", {"groups": ["a", "a", "b", 1, None, {"x": 1}]}, ("a", "b")),
        ("groups", {"groups": {"a": 1}}, ()),
        ("a.b.c", {"a": {"b": "x"}}, ()),
        ("https://example.com/groups", {"https://example.com/groups": ["a"]}, ("a",)),
        ("groups", {"groups": None}, ()),
    ],
)
def test_whatever_shape_the_claim_has_only_names_are_taken(path, claims, groups):
    assert read_claims(IdentityProvider(groups_claim=path), {"sub": "1", **claims}).groups == groups


def test_nothing_is_given_where_nobody_gets_in(visit, keycloak, yuna):
    visit.knows(**{**CLAES, "email_verified": False})
    visit.sign_in()
    assert not GivenRole.objects.exists()
    assert roles() == {}
