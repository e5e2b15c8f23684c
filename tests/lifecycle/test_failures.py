"""What is said of a failure: its kind to everybody, what was raised to operators alone."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import Error, InterfaceError, OperationalError, connection
from django.utils.translation import override
from psycopg import errors

from apps.core.clock import now
from apps.core.lifecycle import failures
from apps.core.lifecycle.failures import AWAY, FULL, RAISED, SLOW, UNFORESEEN, UNREACHABLE, because_of
from apps.core.lifecycle.kernel import advance
from apps.core.lifecycle.timeline import parts_of, told, told_to_operators
from tests.lifecycle.world import MACHINE, Thing, acts, lines, write
from tests.machine import free_port

HOST = "db-7.internal"
PASSWORD = "hunter22"


def raised_by(act: Callable[[], Any]) -> Exception:
    with pytest.raises(Exception) as raised:
        act()
    return raised.value


def connect_to_nothing() -> None:
    psycopg.connect(f"postgresql://maker:{PASSWORD}@127.0.0.1:{free_port()}/none", connect_timeout=2)


def of_django(error: psycopg.Error, kind: type[Error] = OperationalError) -> Error:
    found = kind(str(error))
    found.__cause__ = error
    return found


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (raised_by(connect_to_nothing), AWAY),
        (of_django(psycopg.OperationalError("the connection is lost")), AWAY),
        (of_django(psycopg.InterfaceError("the connection is closed"), InterfaceError), AWAY),
        (errors.AdminShutdown("terminating connection due to administrator command"), AWAY),
        (errors.CannotConnectNow("the database system is starting up"), AWAY),
        (errors.ConnectionFailure("gone"), AWAY),
        (errors.QueryCanceled("canceling statement due to statement timeout"), SLOW),
        (of_django(errors.LockNotAvailable("canceling statement due to lock timeout")), SLOW),
        (errors.DiskFull(f"could not extend file on {HOST}"), FULL),
        (errors.TooManyConnections("too many clients"), FULL),
        (ConnectionRefusedError(111, f"{HOST}:6443 refused"), UNREACHABLE),
        (TimeoutError(f"{HOST}:6443"), UNREACHABLE),
        (errors.InsufficientPrivilege("permission denied to create database"), UNFORESEEN),
        (errors.UniqueViolation("duplicate key"), UNFORESEEN),
        (KeyError("layout"), UNFORESEEN),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_each_kind_has_its_sentence_and_none_of_them_what_was_raised(error: Exception, kind: str) -> None:
    because, parts = because_of(error)
    assert because == kind
    said = told(because, {**parts, "reference": "le_1"})
    assert str(error) not in said
    assert type(error).__name__ not in said
    assert told_to_operators(because, parts) == parts[RAISED]
    assert parts[RAISED].startswith(type(error).__name__)
    assert PASSWORD not in parts[RAISED]


def test_every_sentence_can_be_told_with_the_parts_that_it_gets() -> None:
    sentences = [
        text for name, text in vars(failures).items() if name.isupper() and isinstance(text, str) and " " in text
    ]
    assert len(sentences) >= 6
    for text in sentences:
        assert told(text, {RAISED: "x", "reference": "le_1", "seconds": 10})


@pytest.mark.usefixtures("things")
class TestOnTheTimeline:
    def fail(self, thing: Thing) -> None:
        def act(row: Thing) -> None:
            raise RuntimeError(f"{HOST} said no")

        acts["join"] = act
        advance(MACHINE, thing.pk)
        thing.refresh_from_db()

    def test_people_get_a_reference_by_which_operators_find_the_line(self, thing: Thing) -> None:
        self.fail(thing)
        (line,) = lines(thing, kind="failed")
        with override("en"):
            for because, parts in ((line.because, parts_of(line)), (thing.because, thing.because_of)):
                said = told(because, parts)
                assert HOST not in said
                assert line.pk in said
                assert told_to_operators(because, parts) == f"RuntimeError: {HOST} said no"

    def test_the_reference_stays_while_the_same_is_met_again(self, thing: Thing) -> None:
        for _ in range(3):
            self.fail(thing)
            write(thing, due_at=now())
        (line,) = lines(thing, kind="failed")
        thing.refresh_from_db()
        assert (line.count, thing.because_of["reference"]) == (3, line.pk)


@pytest.mark.django_db
def test_what_a_server_really_says_is_known() -> None:
    def too_long() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 50")
            cursor.execute("SELECT pg_sleep(5)")

    assert because_of(raised_by(too_long))[0] == SLOW
