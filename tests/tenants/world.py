"""Two tenants side by side, in every test that wants to know what one sees of the other."""

from apps.accounts.models import User
from apps.tenants.member import Member
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Kind, Role
from tests.people import make_person


def make_tenant(name: str, kind: str = Kind.PROVIDER) -> Tenant:
    return Tenant.objects.create(name=name, slug=name.lower().replace(" ", "-"), kind=kind)


def join(person: User, tenant: Tenant, role: str = Role.VIEWER) -> Membership:
    return Membership.objects.create(person=person, tenant=tenant, role=role)


def make_member(name: str, tenant: Tenant, role: str) -> Member:
    """Somebody new, in that role."""
    return Member.of(join(make_person(name), tenant, role))


def member(person: User, tenant: Tenant) -> Member:
    """As whom somebody acts there, by what the database says now."""
    return Member.of(Membership.objects.select_related("tenant", "person").get(person=person, tenant=tenant))
