"""The workspaces of the demo, and what one finds in them."""

import pytest

from apps.accounts import demo as people
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.mail.models import OutgoingMail
from apps.tenants import demo, selectors
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import ROLES_OF, Role
from tests.tasks import run_due_tasks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loaded() -> None:
    assert people.load_all() == [
        "14 people made.",
        "3 workspaces made.",
        "4 access tokens made.",
        "3 gateways made.",
        "7 functions made.",
        "2 triggers made.",
    ]


def test_a_second_time_makes_nothing(django_assert_num_queries):
    with django_assert_num_queries(12):
        assert people.load_all() == []


def test_everybody_is_where_they_belong_in_a_role_that_exists_there():
    for group, slug in zip(people.GROUPS, ["tidewater", "hanbit-data", "greenmarket"], strict=False):
        for person in group.people:
            membership = Membership.objects.select_related("tenant").get(person__email=person.email, tenant__slug=slug)
            assert membership.role == person.role
            assert membership.role in ROLES_OF[membership.tenant.kind]
    for tenant in Tenant.objects.all():
        assert Membership.objects.of(tenant).filter(role=Role.OWNER).exists(), tenant


def test_soojin_starts_at_tidewater_switches_to_hanbit_and_is_asked_to_greenmarket():
    soojin = User.objects.get(email=demo.SOOJIN)
    assert [row.tenant.slug for row in selectors.memberships_of(soojin)] == ["tidewater", "hanbit-data"]
    assert [row.tenant.slug for row in selectors.invitations_for(soojin)] == ["greenmarket"]


def test_one_invitation_can_be_accepted_one_came_back_and_one_is_over():
    run_due_tasks()
    rows = selectors.with_delivery(Invitation.objects.filter(tenant__slug="tidewater"))
    told = {row.email.partition("@")[0]: (row.is_open, row.delivery) for row in rows}
    assert told == {
        "jonas.eckhart": (True, OutgoingMail.State.SENT),
        "hyunwoo.jung": (True, OutgoingMail.State.FAILED),
        "n.oduya": (False, OutgoingMail.State.SENT),
    }


def test_each_workspace_s_log_begins_with_it():
    for tenant in Tenant.objects.all():
        first = AuditEvent.objects.filter(tenant_id=tenant.pk).order_by("pk").first()
        assert first is not None
        assert first.verb == "tenant.created"


def test_one_that_is_there_stays_as_it_is():
    Membership.objects.filter(person__email="claes@tidewater.example").delete()
    Tenant.objects.filter(slug="hanbit-data").delete()
    assert people.load_all() == ["1 workspace made.", "1 gateway made.", "1 function made."]
    assert not Membership.objects.filter(person__email="claes@tidewater.example").exists()
