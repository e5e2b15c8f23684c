from contextlib import nullcontext

import pytest

from apps.audit.models import AuditEvent
from apps.core.errors import InvalidInput, NotAllowed, StaleVersion
from apps.core.walls import walled
from apps.tenants import services
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.tenants.contract import TenantServiceContract
from tests.tenants.world import make_tenant, member

pytestmark = pytest.mark.django_db


class TestChangeTenant(TenantServiceContract):
    verb = "tenant.changed"
    # An owner elsewhere changes their own: there's no other one to name
    refused = {"bob": NotAllowed, "operator": NotAllowed}

    def make(self, alice, bob) -> None:
        Tenant.objects.filter(pk=self.tidewater.pk).update(name="Tidewater")

    def act(self, actor: Member, row: None) -> Tenant:
        return services.change_tenant(actor=actor, name="Tidewater Freight")


def test_only_what_differs_is_changed_and_written_down(alice, tidewater):
    changed = services.change_tenant(actor=member(alice, tidewater), name="Tidewater", slug="freight")
    assert (changed.name, changed.slug, changed.version) == ("Tidewater", "freight", 2)
    event = AuditEvent.objects.get()
    assert (event.before, event.after) == ({"slug": "tidewater"}, {"slug": "freight"})
    assert event.tenant_id == tidewater.pk
    services.change_tenant(actor=member(alice, tidewater), name="Tidewater")
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("inside", [True, False])
def test_the_address_of_another_is_taken_even_where_the_wall_hides_it(alice, tidewater, hanbit, inside):
    acting = member(alice, tidewater)
    with pytest.raises(InvalidInput) as caught, walled(tidewater.pk) if inside else nullcontext():
        services.change_tenant(actor=acting, slug="hanbit")
    assert list(caught.value.fields) == ["slug"]
    assert Tenant.objects.get(pk=tidewater.pk).slug == "tidewater"


def test_of_two_who_rename_it_the_second_is_refused(alice, tidewater):
    services.change_tenant(actor=member(alice, tidewater), name="First", version=1)
    with pytest.raises(StaleVersion):
        services.change_tenant(actor=member(alice, tidewater), name="Second", version=1)
    assert Tenant.objects.get().name == "First"


def test_nothing_else_is_touched(alice, tidewater):
    other = make_tenant("Other")
    services.change_tenant(actor=member(alice, tidewater), name="New")
    assert Tenant.objects.get(pk=other.pk).name == "Other"


def test_a_name_turns_no_sentence_around_and_is_seen(alice, tidewater):
    changed = services.change_tenant(actor=member(alice, tidewater), name="\u202eTide\u200bwater\nFreight")
    assert changed.name == "Tidewater Freight"
    with pytest.raises(InvalidInput):
        services.change_tenant(actor=member(alice, tidewater), name="\u2067\ufeff")
