import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.throttling import forget_all


@pytest.fixture(autouse=True)
def _full_buckets() -> None:
    forget_all()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", "correct horse battery", name="Alice Park")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", "correct horse battery", name="Bob")


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_user("olga@example.com", "correct horse battery", name="Olga", is_staff=True)


@pytest.fixture
def page_client(alice: User) -> Client:
    """Signed in as Alice. A mistake is answered as it is in production, not raised into the test."""
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


HTMX = {"HX-Request": "true"}
