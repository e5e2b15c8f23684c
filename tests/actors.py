"""Who tries what, in every test: the owner, somebody who may only read, somebody from elsewhere, an operator."""

import pytest

from apps.accounts.models import User
from apps.core import throttling
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.people import make_person
from tests.tenants.world import join, make_tenant


@pytest.fixture
def alice(db: None) -> User:
    """Owns what the test is about."""
    return make_person("alice")


@pytest.fixture
def bob(db: None) -> User:
    """May read what is alice's, and change nothing."""
    return make_person("bob")


@pytest.fixture
def charlie(db: None) -> User:
    """Belongs to others, and must not even learn that it's there."""
    return make_person("charlie")


@pytest.fixture
def tidewater(alice: User, bob: User) -> Tenant:
    """A provider: alice owns it, bob may look."""
    tenant = make_tenant("Tidewater")
    join(alice, tenant, Role.OWNER)
    join(bob, tenant, Role.VIEWER)
    return tenant


@pytest.fixture
def hanbit(charlie: User) -> Tenant:
    """Another provider, charlie's, which is none of alice's and bob's business."""
    tenant = make_tenant("Hanbit")
    join(charlie, tenant, Role.OWNER)
    return tenant


@pytest.fixture
def operator(db: None) -> User:
    """Runs the installation."""
    return make_person("olivia", is_staff=True)


@pytest.fixture
def yuna(db: None) -> User:
    """Decides about the installation: a system administrator."""
    return make_person("yuna", is_staff=True, is_superuser=True)


@pytest.fixture(autouse=True)
def _full_buckets() -> None:
    """No test pays for the requests of another."""
    throttling.forget_all()
