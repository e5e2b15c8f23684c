"""What a save asks of both databases: as much in a gateway of many functions as in one of its own, nothing twice."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from tests.functions.world import Place, answers
from tests.people import Api

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 30
# By session; each is a way to the database and back
MOST_HERE, MOST_THERE = 31, 9


@dataclass
class Asked:
    """Each statement, and how many rows it was about: here, and in the gateway's own database."""

    here: list[tuple[str, int]] = field(default_factory=list)
    there: list[int] = field(default_factory=list)

    def note(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        self.here.append((sql, context["cursor"].rowcount))
        return found

    def reading(self, column: str) -> int:
        return sum(sql.startswith("SELECT") and column in sql for sql, _rows in self.here)

    @property
    def rows(self) -> tuple[list[int], list[int]]:
        return [rows for _sql, rows in self.here], self.there


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], Asked]:
    asked = Asked()
    execute = psycopg.Connection.execute

    def noted(self: Any, *args: Any, **named: Any) -> Any:
        found = execute(self, *args, **named)
        asked.there.append(found.rowcount)
        return found

    # Django goes by cursors
    monkeypatch.setattr(psycopg.Connection, "execute", noted)

    def of(call: Callable[[], object]) -> Asked:
        asked.here, asked.there = [], []
        with connection.execute_wrapper(asked.note):
            call()
        return Asked(asked.here, list(asked.there))

    return of


Watch = Callable[[Callable[[], object]], Asked]


def test_it_is_the_same_beside_many_others(place: Place, alice: User, watch: Watch) -> None:
    place.make()
    api, path = Api(alice), f"/v1/api-gateways/{place.gateway.pk}/functions/dev%2Fhello"

    def save(version: int) -> None:
        files = {name: {"content": text} for name, text in answers(f"v{version}").items()}
        answer = api.patch(path, {"files": files, "base_version": version - 1})
        assert answer.status_code == 200, answer.content

    save(2)
    alone = watch(lambda: save(3))
    for number in range(MANY):
        place.make(f"dev/other/f{number}")
    beside = watch(lambda: save(4))
    assert beside.rows == alone.rows
    assert (len(alone.here) <= MOST_HERE, len(alone.there) <= MOST_THERE) == (True, True), alone
    # Sources are read once; of packages only their names, of what was compiled only what is told
    assert alone.reading('"functions_functionversion"."files"') == 1
    assert (alone.reading('"bundle"'), alone.reading('"functions_artifact"."code"')) == (0, 1)


def test_so_is_one_from_the_page(place: Place, alice: User, watch: Watch) -> None:
    function = place.make()
    client = Client()
    client.force_login(alice)
    path = f"/t/tidewater/gateways/{place.gateway.pk}/functions/{function.pk}/save"

    def save(version: int) -> None:
        sent = {"files": answers(f"v{version}"), "entrypoint": "index.ts", "base_version": version - 1}
        answer = client.post(path, json.dumps(sent), content_type="application/json")
        assert answer.status_code == 200, answer.content

    save(2)
    alone = watch(lambda: save(3))
    for number in range(MANY):
        place.make(f"dev/other/f{number}")
    beside = watch(lambda: save(4))
    assert beside.rows == alone.rows
    assert (len(alone.here) <= MOST_HERE, len(alone.there) <= MOST_THERE) == (True, True), alone
    assert alone.reading('"functions_functionversion"."files"') == 1
