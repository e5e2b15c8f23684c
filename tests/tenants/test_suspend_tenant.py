import pytest

from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.core.mail.models import OutgoingMail
from apps.tenants import services
from apps.tenants.models import Membership, Tenant
from apps.tenants.problems import TenantSuspended
from apps.tenants.roles import Role
from tests.tenants.contract import TenantServiceContract, some_address
from tests.tenants.world import make_tenant, member

pytestmark = pytest.mark.django_db


class TestSuspendTenant(TenantServiceContract):
    verb = "tenant.suspended"
    allowed = ("administrator",)
    refused = dict.fromkeys(["alice", "bob", "charlie", "operator"], NotAllowed)

    def make(self, alice, bob) -> Tenant:
        Tenant.objects.filter(name="Other").delete()
        return make_tenant("Other")

    def call(self, actor, row) -> Tenant:
        return services.suspend_tenant(actor=actor, tenant=row, reason="Unpaid since May")


class TestResumeTenant(TestSuspendTenant):
    verb = "tenant.resumed"

    def make(self, alice, bob) -> Tenant:
        tenant = super().make(alice, bob)
        Tenant.objects.filter(pk=tenant.pk).update(suspended_at=tenant.created_at, suspended_because="Unpaid")
        return Tenant.objects.get(pk=tenant.pk)

    def call(self, actor, row) -> Tenant:
        return services.resume_tenant(actor=actor, tenant=row)


def test_while_it_is_suspended_its_people_do_nothing_and_learn_why(yuna, alice, tidewater):
    services.suspend_tenant(actor=yuna, tenant=tidewater, reason="Unpaid since May")
    acting = member(alice, tidewater)
    assert not acting.may("workspace.see")
    with pytest.raises(TenantSuspended, match="Unpaid since May"):
        services.invite_person(actor=acting, email=some_address(), role=Role.QA)
    services.resume_tenant(actor=yuna, tenant=tidewater)
    services.invite_person(actor=member(alice, tidewater), email=some_address(), role=Role.QA)


def test_its_owners_are_written_to_and_nobody_else(yuna, alice, bob, tidewater, hanbit):
    services.suspend_tenant(actor=yuna, tenant=tidewater, reason="Unpaid since May")
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.subject) == (alice.email, "Tidewater is suspended")
    assert "Unpaid since May" in mail.text.reveal()
    services.resume_tenant(actor=yuna, tenant=tidewater)
    assert OutgoingMail.objects.last().subject == "Tidewater is back"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_a_reason_is_needed(yuna, tidewater, reason):
    with pytest.raises(InvalidInput) as caught:
        services.suspend_tenant(actor=yuna, tenant=tidewater, reason=reason)
    assert list(caught.value.fields) == ["reason"]


def test_neither_twice(yuna, tidewater):
    with pytest.raises(Conflict, match="isn't suspended"):
        services.resume_tenant(actor=yuna, tenant=tidewater)
    services.suspend_tenant(actor=yuna, tenant=tidewater, reason="Unpaid")
    with pytest.raises(Conflict, match="suspended already"):
        services.suspend_tenant(actor=yuna, tenant=tidewater, reason="Unpaid")


def test_a_workspace_without_an_owner_can_be_suspended_too(yuna, tidewater):
    Membership.objects.all().delete()
    assert services.suspend_tenant(actor=yuna, tenant=tidewater, reason="Abandoned").is_suspended
