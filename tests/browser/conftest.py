from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from apps.accounts.models import User
from tests.browser.plugin import SignIn


@pytest.fixture
def soojin(transactional_db: None) -> User:
    return User.objects.create_user(
        email="soojin.park@tidewater.example", password="not-a-real-one", name="Soo-jin Park"
    )


@pytest.fixture
def development(settings: Any, soojin: User, signed_in: SignIn) -> None:
    """Signed in where the page of parts exists."""
    settings.DEBUG = True
    signed_in(soojin)


@pytest.fixture
def no_limits_left_over(transactional_db: None) -> Iterator[None]:
    """Counted tries and used codes lie in a table without a model, which emptying the database passes over."""
    cache.clear()
    yield
    cache.clear()
