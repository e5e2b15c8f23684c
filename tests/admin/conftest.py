import pytest
from django.test import Client

from apps.accounts.models import User


@pytest.fixture
def admin_of_yuna(yuna: User) -> Client:
    client = Client()
    client.force_login(yuna)
    return client


@pytest.fixture
def admin_of_operator(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client
