from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from tests.matrix.actors import World, make_world
from tests.matrix.asking import undone


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Made once; what each request changes is undone after it. As in production, operators need a second factor."""
    needed = override_settings(OPERATORS_NEED_SECOND_FACTOR=True)
    with needed, django_db_blocker.unblock(), undone():
        yield make_world()
