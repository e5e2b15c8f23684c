"""Roles that come and go with the groups of an SSO provider."""

import pytest

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.tenants import services
from apps.tenants.models import Membership
from apps.tenants.roles import Role
from tests.tenants.world import join

pytestmark = pytest.mark.django_db

SSO = Membership.GivenBy.SSO


def roles_of(person) -> dict[str, str]:
    return dict(Membership.objects.filter(person=person).values_list("tenant__name", "role"))


def follow(person, roles, *tenants) -> None:
    by_id = {tenant.pk: role for tenant, role in roles.items()}
    services.follow_groups(actor=SYSTEM, person=person, roles=by_id, within=[tenant.pk for tenant in tenants])


def test_a_group_gives_changes_and_takes_a_role(charlie, tidewater):
    follow(charlie, {tidewater: Role.QA}, tidewater)
    assert roles_of(charlie) == {"Tidewater": "qa"}
    follow(charlie, {tidewater: Role.ADMIN}, tidewater)
    assert roles_of(charlie) == {"Tidewater": "admin"}
    follow(charlie, {}, tidewater)
    assert roles_of(charlie) == {}
    verbs = AuditEvent.objects.filter(tenant_id=tidewater.pk).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["member.joined", "member.role_changed", "member.removed"]


def test_the_same_groups_again_change_and_say_nothing(charlie, tidewater):
    follow(charlie, {tidewater: Role.QA}, tidewater)
    follow(charlie, {tidewater: Role.QA}, tidewater)
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("role", [Role.ADMIN, None])
def test_what_a_person_gave_by_hand_stays(bob, tidewater, role):
    follow(bob, {tidewater: role} if role else {}, tidewater)
    assert roles_of(bob) == {"Tidewater": "viewer"}
    assert not AuditEvent.objects.exists()


def test_other_providers_workspaces_are_left_alone(charlie, bob, tidewater, hanbit):
    join(bob, hanbit, Role.QA)
    Membership.objects.update(given_by=SSO)
    follow(bob, {}, tidewater)
    assert roles_of(bob) == {"Hanbit": "qa"}


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_the_last_owner_stays_one_whatever_the_groups_say(alice, tidewater, role):
    Membership.objects.filter(person=alice).update(given_by=SSO)
    follow(alice, {tidewater: role} if role else {}, tidewater)
    assert roles_of(alice) == {"Tidewater": "owner"}


def test_a_mapping_to_a_role_that_is_none_here_is_a_mistake_of_the_caller(charlie, tidewater):
    with pytest.raises(ValueError, match="'consumer' is no role of a provider workspace"):
        follow(charlie, {tidewater: Role.CONSUMER}, tidewater)
