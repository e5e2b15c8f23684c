from typing import Any

import pytest

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
