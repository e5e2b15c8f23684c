import pytest
from django.test import Client

from apps.accounts.models import User


@pytest.fixture
def page_client(alice: User) -> Client:
    """Signed in as Alice. A mistake is answered as it is in production, not raised into the test."""
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client
