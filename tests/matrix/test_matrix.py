"""Every page, partial, export, event stream and endpoint for everybody: what is written in `expected/` is what happens.

The routes are walked from the URL conf, the API's document and the declared topics. One without an entry fails here.
The failure shows the line to add with what was measured; `MATRIX=update pytest -n0 tests/matrix` writes it. Read it
before you believe it: it says who gets in, not who should.
"""

import os
from collections import Counter

import pytest

from tests.matrix.actors import COLUMNS, EVERYBODY, World
from tests.matrix.asking import OK, answers
from tests.matrix.routes import STREAM, Route, all_routes, declared_topics, readable, walk
from tests.matrix.scenes import ASKED_OF_RUNTIMES, BODIES, NOTHING_TO_DO, PATHS, QUERIES, TOPICS, WHOLE_PAGES
from tests.matrix.table import Row, Table, add, read, table_for, tables

pytestmark = pytest.mark.django_db

TABLES = tables()
ROWS = {row.key: row for table in TABLES.values() for row in table.rows}
STREAMS = [Route(STREAM, topic) for topic in TOPICS]
ROUTES = [*all_routes(), *STREAMS]

Measured = dict[str, dict[str, str]]


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_everybody_gets_what_is_written_down(route: Route, world: World) -> None:
    table = TABLES[table_for(route.method, route.path)]
    row = ROWS.get((route.method, route.path))
    measured = {name: answers(world.actors[name], route) for name in EVERYBODY}
    if row is None:
        found = Row(route.method, route.path, {column: _cell(COLUMNS[column], measured) for column in table.columns})
        if os.environ.get("MATRIX") == "update":
            add(table, found)
        pytest.fail(f"{route} has no entry in {table}. What was measured:\n{table.line(found)}", pytrace=False)
    if wrong := _differences(row, measured, world):
        said = "\n  ".join(wrong)
        pytest.fail(f"{route}, {row.place}:\n  {said}", pytrace=False)
    assert _is_answered(route, measured), (
        f"{row.place}: nobody succeeds with {route}, so the refusals prove nothing. "
        f"Give it a body that somebody may send: BODIES in tests/matrix/scenes.py."
    )


def test_every_entry_has_a_route() -> None:
    known = {(route.method, route.path) for route in ROUTES}
    gone = [f"{row.place}: {row.method} {row.path}" for key, row in ROWS.items() if key not in known]
    assert not gone, "Nothing answers there any more; take the entries away:\n" + "\n".join(gone)


def test_every_entry_is_there_once_and_in_its_table() -> None:
    counted = Counter(row.key for table in TABLES.values() for row in table.rows)
    assert not [key for key, count in counted.items() if count > 1]
    misplaced = [
        row.place for name, table in TABLES.items() for row in table.rows if table_for(row.method, row.path) != name
    ]
    assert not misplaced


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_columns_are_everybody(table: Table) -> None:
    named = [name for column in table.columns for name in COLUMNS[column]]
    assert sorted(named) == sorted(EVERYBODY), f"{table}: each actor stands in one column."


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_table_is_in_order(table: Table) -> None:
    """As `MATRIX=update` writes it, so that a difference in review is a difference."""
    ordered = table.text(read(table.path).rows)
    if os.environ.get("MATRIX") == "update":
        table.path.write_text(ordered)
    assert table.path.read_text() == ordered


def test_every_declared_topic_has_an_entry() -> None:
    written = {topic.partition(":")[0] for topic in TOPICS}
    missing = declared_topics() - written
    assert not missing, (
        f"Topics that nobody tries: {', '.join(sorted(missing))}. Add each form that it has to TOPICS in "
        f"tests/matrix/scenes.py, such as `{min(missing)}:<own>`; the entry follows."
    )
    assert written == declared_topics()


def test_the_live_process_answers_nothing_but_streams_and_its_own_state() -> None:
    """Its addresses aren't in the console's URL conf; the table of streams stands for those of /live."""
    from portal.live_urls import urlpatterns

    assert {path for path, _ in walk(urlpatterns)} == {"/live/events", "/live/logs", "/healthz", "/metrics", "/"}


def test_every_scene_has_a_route() -> None:
    assert not {*BODIES, *QUERIES, *WHOLE_PAGES, *NOTHING_TO_DO} - {str(route) for route in ROUTES}
    assert not {path for path, _ in PATHS} - {route.path for route in ROUTES}


def test_addresses_are_read_whatever_they_are_written_with() -> None:
    assert readable("t/<slug:tenant>/members/<str:membership_id>") == "/t/{tenant}/members/{membership_id}"
    assert readable(r"v1/^notes/(?P<pk>[0-9a-zA-Z_-]{1,64})/archive\Z") == "/v1/notes/{pk}/archive"


def _differences(row: Row, measured: Measured, world: World) -> list[str]:
    return [
        f"{name} gets {found} ({way}), written is {expected}"
        for column, cell in row.cells.items()
        for name in COLUMNS[column]
        for expected in [_expected(cell, world, name)]
        for way, found in measured[name].items()
        if found != expected
    ]


def _is_answered(route: Route, measured: Measured) -> bool:
    """Writes of a workspace have somebody who may. What breaks is no answer."""
    outcomes = {found for ways in measured.values() for found in ways.values()}
    if "500" in outcomes:
        return False
    must_succeed = route.method not in ("GET", STREAM) and route.path.startswith(("/t/", "/v1/"))
    # Whoever is told of a clash may do it
    good = {OK, "409", "503"} if route.path.startswith(ASKED_OF_RUNTIMES) else {OK, "409"}
    return bool(good & outcomes) or not must_succeed or str(route) in NOTHING_TO_DO


def _expected(cell: str, world: World, name: str) -> str:
    """`ok/404`: what a provider's get, and what a customer's."""
    of_provider, _slash, of_customer = cell.partition("/")
    return of_customer if of_customer and world.actors[name].is_customer else of_provider


def _cell(names: tuple[str, ...], measured: Measured) -> str:
    """What a column would say; where its actors or ways differ, all of it, which no entry can say."""
    sides = [_outcomes(names, measured, of_customers=each) for each in (False, True)]
    present = [side for side in sides if side]
    return present[0] if len(set(present)) == 1 else "/".join(present)


def _outcomes(names: tuple[str, ...], measured: Measured, *, of_customers: bool) -> str:
    of_side = [name for name in names if name.startswith("customer's ") is of_customers]
    return "|".join(dict.fromkeys(found for name in of_side for found in measured[name].values()))
