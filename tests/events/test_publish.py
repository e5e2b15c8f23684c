"""Publishing: in the caller's transaction, once, and only what somebody could listen to."""

import psycopg
import pytest
from django.db import DataError, connection, transaction

from apps.core.events import publish, register_topic
from apps.core.events.models import Event
from apps.core.events.publishing import CHANNEL

pytestmark = pytest.mark.django_db(transaction=True)


# No topic, so that nobody else says it
END = "that is all"


@pytest.fixture
def heard():
    """What a bare connection has heard on the hub's channel so far."""
    parameters = connection.get_connection_params()
    wanted = {key: parameters[key] for key in ("host", "port", "user", "password", "dbname")}
    with psycopg.connect(**wanted, autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")

        def so_far() -> list[str]:
            # Notifications come in the order of their commits, so all that came before this one are here with it
            listening.execute("SELECT pg_notify(%s, %s)", [CHANNEL, END])
            found: list[str] = []
            for told in listening.notifies(timeout=60):
                if told.payload == END:
                    return found
                found.append(told.payload)
            raise AssertionError("Not even the end was heard")

        yield so_far


def test_the_event_is_written_and_the_topic_notified(heard):
    publish("note:n1", "saved", "rev_7")
    assert heard() == ["note:n1"]
    assert list(Event.objects.values_list("topic", "kind", "ref")) == [("note:n1", "saved", "rev_7")]


def test_nothing_is_notified_before_the_commit(heard):
    with transaction.atomic():
        publish("note:n1", "saved")
        assert heard() == []
    assert heard() == ["note:n1"]


def test_a_rollback_publishes_nothing(heard):
    with transaction.atomic():
        publish("note:n1", "saved")
        transaction.set_rollback(True)
    assert heard() == []
    assert not Event.objects.exists()


def test_many_events_on_a_topic_in_one_transaction_are_one_notification(heard):
    with transaction.atomic():
        for number in range(100):
            publish("note:n1", "saved", str(number))
    assert heard() == ["note:n1"]
    assert Event.objects.count() == 100


@pytest.mark.parametrize("topic", ["nobody-declared-this", "nobody:x", "Note:n1", "note:", "note:a b", "note:n1\n", ""])
def test_a_topic_that_nobody_can_hear_is_refused(topic):
    with pytest.raises(ValueError):
        publish(topic, "saved")
    assert not Event.objects.exists()


@pytest.mark.parametrize("kind", ["", "Saved", "was saved", "saved\n", "x" * 41])
def test_a_kind_that_is_no_word_is_refused(kind):
    with pytest.raises(ValueError):
        publish("note:n1", kind)
    assert not Event.objects.exists()


def test_a_ref_that_is_no_id_is_refused():
    with pytest.raises(DataError):
        publish("note:n1", "saved", "x" * 201)


@pytest.mark.parametrize("prefix", ["", "Note", "note:", "a:b", "note one"])
def test_a_prefix_that_is_no_word_is_refused(prefix):
    with pytest.raises(ValueError):
        register_topic(prefix, lambda person, ref: True)
