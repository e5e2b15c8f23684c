from datetime import timedelta

import pytest

from apps.accounts.arrivals import welcome
from apps.core import clock
from apps.core.errors import Conflict
from apps.tenants import services
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Kind, Role
from apps.tenants.services import tenants
from tests.people import make_person
from tests.tenants.contract import TenantServiceContract
from tests.tenants.test_at_once import outcomes
from tests.tenants.world import member

pytestmark = pytest.mark.django_db


class TestCreateCustomer(TenantServiceContract):
    verb = "tenant.created"
    allowed = ("alice", "bob", "charlie", "operator", "administrator")
    refused = {}

    def make(self, alice, bob) -> None:
        return None

    def call(self, actor, row) -> Tenant:
        return services.create_customer(actor=actor, name="Reyes Books")


def test_whoever_signs_up_by_themselves_owns_a_customer_s_workspace():
    zoe = make_person("zoe")
    welcome(zoe, "Reyes Books")
    membership = Membership.objects.get(person=zoe)
    assert (membership.role, membership.tenant.kind, membership.tenant.name) == (
        Role.OWNER,
        Kind.CUSTOMER,
        "Reyes Books",
    )


@pytest.mark.parametrize(("name", "workspace"), [("Zoë Reyes", "Zoë Reyes"), ("", "zoe")])
def test_without_a_name_of_its_own_it_goes_by_the_person_s_without_their_address(name, workspace):
    zoe = make_person("zoe")
    zoe.name = name
    assert services.create_customer(actor=zoe, name=" ").name == workspace


@pytest.mark.parametrize("name", ["Zoë " * 30, "www.reyes.example", "WWW.", "https://reyes.example"])
def test_whatever_somebody_is_called_they_get_a_workspace(name):
    zoe = make_person("zoe")
    zoe.name = name
    made = services.create_customer(actor=zoe).name
    assert 0 < len(made) <= 80
    assert "www." not in made.lower()


@pytest.mark.parametrize("typed", ["x" * 81, "https://evil.example"])
def test_a_name_that_will_not_do_keeps_nobody_from_signing_up(typed):
    zoe = make_person("zoe")
    welcome(zoe, typed)
    assert Membership.objects.get(person=zoe).tenant.name == "Zoe"


def test_nobody_opens_workspaces_without_end(monkeypatch):
    monkeypatch.setattr(tenants, "MOST_OWNED", 1)
    zoe = make_person("zoe")
    services.create_customer(actor=zoe)
    with pytest.raises(Conflict, match="as many as one person may"):
        services.create_customer(actor=zoe)


def test_deleting_one_makes_no_room_for_another_on_the_same_day(monkeypatch, time_machine):
    monkeypatch.setattr(tenants, "MOST_OWNED", 1)
    zoe = make_person("zoe")
    services.delete_tenant(actor=member(zoe, services.create_customer(actor=zoe)))
    with pytest.raises(Conflict, match="within a day"):
        services.create_customer(actor=zoe)
    time_machine.move_to(clock.now() + timedelta(days=1, minutes=1))
    services.create_customer(actor=zoe)


@pytest.mark.django_db(transaction=True)
def test_nor_do_two_requests_at_once(monkeypatch):
    monkeypatch.setattr(tenants, "MOST_OWNED", 1)
    zoe = make_person("zoe")
    ended = outcomes(*[lambda: services.create_customer(actor=zoe)] * 2)
    assert ended == ["done", "Conflict"]
    assert Membership.objects.count() == 1
