"""Workspaces when somebody deletes their account."""

import pytest

from apps.accounts import departures
from apps.audit.models import AuditEvent
from apps.tenants.models import Membership
from apps.tenants.roles import Role
from tests.tenants.world import join

pytestmark = pytest.mark.django_db


def test_the_last_owner_is_told_to_stay_and_why(alice, bob, tidewater):
    assert departures.reasons_to_stay(bob) == []
    assert departures.reasons_to_stay(alice) == [
        "You're the last owner of Tidewater. Make someone else an owner first, or delete the workspace."
    ]
    Membership.objects.filter(person=bob).update(role=Role.OWNER)
    assert departures.reasons_to_stay(alice) == []


def test_every_workspace_s_log_says_that_they_left(bob, tidewater, hanbit):
    join(bob, hanbit, Role.QA)
    departures.leave_everything(bob)
    assert not Membership.objects.filter(person=bob).exists()
    left = AuditEvent.objects.filter(verb="member.left", actor_id=bob.pk)
    assert set(left.values_list("tenant_id", flat=True)) == {tidewater.pk, hanbit.pk}


def test_the_copy_of_one_s_data_names_one_s_workspaces(bob, tidewater):
    told = departures.belongings_of(bob)["workspaces"]
    assert [(each["workspace"], each["role"]) for each in told] == [("Tidewater", "viewer")]
