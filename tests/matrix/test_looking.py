"""An operator who looks as somebody else: reads the pages of workspaces as they do, and changes nothing anywhere."""

from collections.abc import Iterator

import pytest
from django.core import serializers

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from tests.matrix.actors import OPERATOR, Actor, World, looking_as
from tests.matrix.asking import answers, undone
from tests.matrix.routes import STREAM, Route, all_routes
from tests.matrix.scenes import TOPICS
from tests.matrix.table import table_for, tables
from tests.walls.test_policies import WALLED

pytestmark = pytest.mark.django_db

ROWS = {row.key: row for table in tables().values() for row in table.rows}
SEEN = "provider's owner"

# What is looked at; the account, the admin and the API stay closed
OPEN = ("/t/", "/search", "/audit", "/workspaces", "/errors/", "/components", "/v1/reference/", "/v1/openapi.json")
OPEN_PAGES = ("/", "/v1/")
# Answered to whoever asks, without knowing who does
HEALTH = ("/healthz", "/readyz", "/metrics")
# Asked again who it is, which somebody who looks isn't: they stay before the question
ASKS_AGAIN = ("GET /t/{tenant}/settings/delete", "GET /t/{tenant}/members/{membership_id}/hand-over")
WAYS_OUT = ("POST /view-as/end", "POST /sign-out")


@pytest.fixture
def looking(world: World) -> Iterator[Actor]:
    with undone():
        yield looking_as(world.actors[OPERATOR], world.actors[SEEN])


@pytest.mark.parametrize("route", [route for route in all_routes() if route.path not in HEALTH], ids=str)
def test_whoever_looks_sees_what_the_person_sees_and_changes_nothing(route: Route, looking: Actor) -> None:
    before = _everything()
    found = answers(looking, route, keep=True)
    if str(route) in WAYS_OUT:
        assert set(found.values()) == {"ok"}
        return
    assert found == dict.fromkeys(found, _expected(route))
    assert _everything() == before


@pytest.mark.parametrize("topic", TOPICS)
def test_streams_stay_the_operators_own(topic: str, world: World, looking: Actor) -> None:
    """The live process knows nothing of looking: what it tells is what the operator may hear."""
    own = answers(world.actors[OPERATOR], Route(STREAM, topic))
    as_operator = Actor(
        world, OPERATOR, looking.tenant, looking.things, world.actors[OPERATOR].own, None, looking.session_key
    )
    assert answers(as_operator, Route(STREAM, topic)) == own


def _expected(route: Route) -> str:
    is_open = route.path in OPEN_PAGES or route.path.startswith(OPEN)
    if route.method != "GET" or not is_open:
        return "403"
    if str(route) in ASKS_AGAIN:
        return "confirm"
    row = ROWS[route.method, route.path]
    columns = {"everywhere": "person", "workspace": "owner", "api": "owner"}
    return row.cells[columns[table_for(route.method, route.path)]].partition("/")[0]


def _everything() -> str:
    """Rows of tenants and people. Without what says when somebody was last there, which the operator is too."""
    rows = [model._base_manager.order_by("pk") for model in (*WALLED, User, AuditEvent)]
    return "\n".join(serializers.serialize("json", each) for each in rows)
