from collections.abc import Iterator

import pytest
from django.db import connection

from apps.core.lifecycle import machine, register_machine
from tests.lifecycle.world import EFFECTS, MACHINE, Thing, acts, told


@pytest.fixture
def things(transactional_db: None) -> Iterator[None]:
    """The table of things, and the machine that makes them, while the test runs."""
    with connection.schema_editor() as editor:
        editor.create_model(Thing)
        editor.execute(EFFECTS)
    register_machine(MACHINE)
    acts.clear()
    told.clear()
    yield
    machine._machines.pop(MACHINE.name)
    acts.clear()
    with connection.schema_editor() as editor:
        editor.delete_model(Thing)
        editor.execute("DROP TABLE lifecycle_effect")


@pytest.fixture
def thing(things: None) -> Thing:
    return Thing.objects.create()
