"""Who tries what, in every test: the owner, somebody who may only read, somebody from elsewhere, an operator."""

import pytest

from apps.accounts.models import User
from apps.core import throttling
from tests.people import make_person


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
def operator(db: None) -> User:
    """Runs the installation."""
    return make_person("olivia", is_staff=True)


@pytest.fixture(autouse=True)
def _full_buckets() -> None:
    """No test pays for the requests of another."""
    throttling.forget_all()
