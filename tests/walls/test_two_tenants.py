"""Two tenants: nothing of the one is found in the other, by either of the two walls alone.

The first wall are the services and selectors, which ask for one tenant's rows; the second is PostgreSQL's row-level
security. Each trial takes one of them away. Every address that reads is asked in every way that there is, and what
comes is searched for everything that marks the other tenant; every address of one object is asked for the other's.
The last trial takes both away and demands that what was searched for is found: else the others prove nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.core import serializers
from django.http.response import HttpResponseBase

from apps.accounts.models import User
from apps.core import walls
from apps.core.api.viewsets import Listed
from apps.core.web.lists import ListPage
from apps.tenants.api_base import TenantApi
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.matrix.actors import Actor, World, make_world
from tests.matrix.asking import UnknownParameter, path_of, requests, undone
from tests.matrix.routes import Route, all_routes, class_of
from tests.matrix.scenes import NOTHING_TO_DO
from tests.matrix.things import draft_of, make_things
from tests.people import make_person
from tests.tenants.world import join
from tests.walls.test_policies import WALLED

pytestmark = pytest.mark.django_db

# Every person and thing of the other tenant has it in its name, and nothing else has
MARK = "xylophone"
# What somebody types who looks for it
PART_OF_MARK = "xyloph"


class Hand:
    """Whatever is asked of it, it says whose it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> "Hand":
        return self

    def __str__(self) -> str:
        return f"<{self.name}>"


def hands_of(route: Route) -> set[str]:
    """What is put into a route's address: a tenant's `thing`, or something of one's `own`."""
    # Operators' pages refuse others before they look for anything, which the matrix shows. Whoever has the secret in a
    # link may follow it, wherever they are
    if route.is_admin or route.path.startswith("/fleet") or "token" in route.parameters:
        return set()
    world, tenant, thing, own = (Hand(name) for name in ("world", "tenant", "thing", "own"))
    actor: Any = SimpleNamespace(world=world, tenant=tenant, things=thing, own=own)
    try:
        path = path_of(actor, route)
    except UnknownParameter:
        # The matrix fails for it and says what to do; the other routes are tried here meanwhile
        return set()
    return {hand.name for hand in (thing, own) if str(hand) in path}


READS = [route for route in all_routes() if route.method == "GET" and not route.is_admin]
INSIDE = [
    route
    for route in all_routes()
    if route.path.startswith("/t/{tenant}/") or issubclass(class_of(route.view) or object, TenantApi)
]
# Where nothing can be done, everybody gets a 404 for that
OF_A_THING = [route for route in all_routes() if "thing" in hands_of(route) and str(route) not in NOTHING_TO_DO]
OF_ONESELF = [route for route in all_routes() if "own" in hands_of(route)]
LISTS = [
    route
    for route in INSIDE
    if route.method == "GET"
    and route not in OF_A_THING
    and (issubclass(class_of(route.view) or object, ListPage | Listed) or route.path.endswith("/search"))
]


@dataclass(frozen=True)
class Neighbours:
    """`insider` may do everything in the one tenant; `stranger` is the same one, who asks for what others have."""

    insider: Actor
    stranger: Actor
    marks: frozenset[str]


@pytest.fixture(scope="module")
def neighbours(django_db_setup: None, django_db_blocker: Any) -> Iterator[Neighbours]:
    with django_db_blocker.unblock(), undone():
        yield _make_neighbours(make_world())


def _make_neighbours(world: World) -> Neighbours:
    other = Tenant.objects.create(name=f"The {MARK}", slug=f"the-{MARK}", kind=world.tidewater.kind)
    for role in (Role.OWNER, Role.VIEWER):
        join(make_person(f"{MARK}-{role}"), other, role)
    things = make_things(other)
    insider = world.actors["provider's owner"]
    assert insider.person
    draft_of(insider.person, things.function)
    # Ids that say what they're of; a bare number could be anything
    ids = {str(row.pk) for rows in _rows_of(other) for row in rows if isinstance(row.pk, str)}
    assert len(ids) >= 4
    stranger = replace(insider, things=things, own=world.actors["outsider"].own)
    return Neighbours(insider, stranger, frozenset({MARK, *ids}))


def _rows_of(tenant: Tenant) -> list[Any]:
    """Everything that a tenant owns."""
    return [
        model._base_manager.filter(**{"pk" if model is Tenant else "tenant_id": tenant.pk}).order_by("pk")
        for model in WALLED
    ]


# --- The walls, taken away one by one --------------------------------------------------------------


@contextmanager
def without_row_level_security() -> Iterator[None]:
    """`walled` neither changes the role nor names the tenant."""
    with patch.object(walls, "_enter", lambda role, tenant_id: None):
        yield


@contextmanager
def without_service_checks() -> Iterator[None]:
    """Every role may everything, no row is refused for being another's, and selectors ask for the rows of all."""
    with (
        patch.object(Member, "require", lambda self, *args, **named: None),
        patch.object(Member, "may", lambda self, *args, **named: True),
    ):
        patches = [patch.object(kind, "of", lambda rows, tenant: rows.all()) for kind in _choke_points()]
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in patches:
                each.stop()


@cache
def _choke_points() -> list[type[Any]]:
    """The querysets that limit rows to a tenant: each has it in a method of that name."""
    kinds = {kind for model in WALLED for kind in type(model._default_manager.all()).__mro__ if "of" in vars(kind)}
    assert {kind.__name__ for kind in kinds} >= {"TenantQuerySet", "AuditEventQuerySet"}
    return sorted(kinds, key=lambda kind: kind.__name__)


@contextmanager
def without_both() -> Iterator[None]:
    with without_row_level_security(), without_service_checks():
        yield


ALONE = {"row-level security alone": without_service_checks, "service checks alone": without_row_level_security}


# --- Reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("trial", ALONE)
@pytest.mark.parametrize("route", READS, ids=str)
def test_nothing_of_the_other_is_in_any_answer(route: Route, trial: str, neighbours: Neighbours) -> None:
    with ALONE[trial]():
        assert not found_in(route, neighbours), f"{route}, with {trial}"


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_without_both_walls_a_list_shows_the_others(route: Route, neighbours: Neighbours) -> None:
    with without_both():
        assert MARK in " ".join(found_in(route, neighbours)), f"{route} would hide a hole in its walls"


def test_there_are_lists_of_every_sort() -> None:
    assert len([route for route in LISTS if route.is_api]) >= 3
    assert len([route for route in LISTS if route.exports]) >= 3
    assert "/t/{tenant}/search" in {route.path for route in LISTS}


# --- One object ------------------------------------------------------------------------------------


@pytest.mark.parametrize("trial", ALONE)
@pytest.mark.parametrize("route", OF_A_THING, ids=str)
def test_an_object_of_the_other_is_not_there(route: Route, trial: str, neighbours: Neighbours) -> None:
    before = rows_of(neighbours)
    with ALONE[trial](), undone():
        statuses = {response.status_code for response in answers_to(neighbours.stranger, route)}
        after = rows_of(neighbours)
    assert statuses == {404}, f"{route}, with {trial}"
    assert after == before


@pytest.mark.parametrize("trial", ALONE)
@pytest.mark.parametrize("route", [route for route in INSIDE if route.method != "GET"], ids=str)
def test_no_write_touches_the_other(route: Route, trial: str, neighbours: Neighbours) -> None:
    """Also what takes the ids of several rows in its body."""
    before = rows_of(neighbours)
    with ALONE[trial](), undone():
        list(answers_to(neighbours.stranger, route))
        assert rows_of(neighbours) == before, f"{route}, with {trial}"


@pytest.mark.parametrize("route", [route for route in OF_A_THING if route in INSIDE], ids=str)
def test_without_both_walls_an_object_of_the_other_is_there(route: Route, neighbours: Neighbours) -> None:
    with without_both(), undone():
        statuses = {response.status_code for response in answers_to(neighbours.stranger, route)}
    assert 404 not in statuses, f"{route} is refused for another reason, so the trials above prove nothing"


@pytest.mark.parametrize("route", OF_ONESELF, ids=str)
def test_what_is_another_persons_is_not_there(route: Route, neighbours: Neighbours) -> None:
    """No tenant owns these, so there's one wall: the selectors', which ask for the person's own."""
    with undone():
        own = {response.status_code for response in answers_to(neighbours.insider, route)}
        others = {response.status_code for response in answers_to(neighbours.stranger, route)}
    assert max(own) < 400
    assert others == {404}


def test_there_are_objects_of_every_sort() -> None:
    assert len([route for route in OF_A_THING if route.is_api]) >= 8
    assert len([route for route in OF_A_THING if route.is_page]) >= 8
    assert len([route for route in OF_ONESELF if route.is_api]) >= 4
    assert len([route for route in OF_ONESELF if route.is_page]) >= 3


# --- How it's asked and searched -------------------------------------------------------------------


def answers_to(actor: Actor, route: Route, query: str = "") -> Iterator[HttpResponseBase]:
    for _, ask in requests(actor, route, query):
        with undone():
            yield ask()


def found_in(route: Route, neighbours: Neighbours) -> list[str]:
    """Every mark of the other tenant in any answer, whether one looks for it or not."""
    queries = [f"q={PART_OF_MARK}", "limit=200" if route.is_api else ""]
    return [
        mark
        for query in queries
        for response in answers_to(neighbours.insider, route, query)
        for text in [text_of(response)]
        for mark in sorted(neighbours.marks)
        if mark in text
    ]


def text_of(response: HttpResponseBase) -> str:
    content = getattr(response, "received", None) or getattr(response, "content", b"")
    headers = " ".join(f"{name}: {value}" for name, value in response.items())
    return f"{headers}\n{content.decode(errors='replace')}".lower()


def rows_of(neighbours: Neighbours) -> str:
    """Everything of the other tenant, as it's stored."""
    people = User.objects.filter(email__contains=MARK).order_by("pk")
    tenant = neighbours.stranger.things.tenant
    return "\n".join(serializers.serialize("json", rows) for rows in [*_rows_of(tenant), people])
