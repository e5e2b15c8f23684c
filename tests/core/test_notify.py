"""LISTEN and NOTIFY between processes."""

import asyncio
from contextlib import aclosing, closing

import pytest
from django.db import connection, transaction

from apps.core.notify import LONGEST_PAYLOAD, Heard, listen, listen_async, notify

pytestmark = pytest.mark.django_db(transaction=True)


def drop(pid: int) -> None:
    with connection.cursor() as cursor:
        # Gone when this returns, so that it hears nothing that is said after
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])


def listening_pid() -> int:
    with connection.cursor() as cursor:
        # Other tests may have one on the same server
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN \"imp_test\"' AND datname = current_database()"
        )
        (row,) = cursor.fetchall()
        return row[0]


def next_news(listening) -> Heard:
    """Passes over the silence that a busy machine makes."""
    return next(heard for heard in listening if heard != Heard())


def test_a_listener_hears_at_the_commit_and_knows_when_it_may_have_missed_something():
    with closing(listen("imp_test", idle=0.2)) as heard:
        assert next(heard) == Heard(gap=True)
        with transaction.atomic():
            notify("imp_test", "one")
            notify("imp_test", "one")
            assert next(heard) == Heard()
        notify("another channel", "two")
        assert next_news(heard) == Heard(("one",))
        assert next(heard) == Heard()
        drop(listening_pid())
        notify("imp_test", "lost")
        assert next_news(heard) == Heard(gap=True)
        notify("imp_test", "three")
        assert next_news(heard) == Heard(("three",))


def test_an_event_loop_hears_the_same_and_can_query_between():
    async def hear() -> list[Heard]:
        found = []
        async with aclosing(listen_async("imp_test", idle=5)) as listening:
            async for database, heard in listening:
                if heard == Heard():
                    continue
                found.append(heard)
                cursor = await database.execute("SELECT pg_backend_pid()")
                (pid,) = await cursor.fetchone()
                match len(found):
                    case 1:
                        # Arrives while the connection is busy with a query
                        await database.execute("SELECT pg_notify('imp_test', 'one')")
                    case 2:
                        await asyncio.to_thread(_in_own_connection, drop, pid)
                    case 3:
                        await asyncio.to_thread(_in_own_connection, notify, "imp_test", "two")
                    case 4:
                        return found
        raise AssertionError

    assert asyncio.run(asyncio.wait_for(hear(), 60)) == [
        Heard(gap=True),
        Heard(("one",)),
        Heard(gap=True),
        Heard(("two",)),
    ]


def _in_own_connection(function, *arguments):
    try:
        function(*arguments)
    finally:
        connection.close()


def test_a_payload_that_postgres_would_refuse_is_refused_with_a_reason():
    notify("imp_test", "é" * (LONGEST_PAYLOAD // 2))
    with pytest.raises(ValueError, match="ids, not content"):
        notify("imp_test", "é" * (LONGEST_PAYLOAD // 2 + 1))
