"""Writing an event: with the change or not at all, who and from where, secrets masked."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils.translation import gettext_lazy, override

from apps.accounts.models import User
from apps.audit.changes import changes, masked
from apps.audit.models import AuditEvent
from apps.audit.selectors import can_listen, list_events
from apps.audit.services import ANONYMOUS, SYSTEM, Target, record, topics_for
from apps.audit.verbs import VERBS, declare
from apps.core import context
from apps.core.crypto import MASK, Secret
from apps.core.events.models import Event

pytestmark = pytest.mark.django_db


def test_it_keeps_ids_names_and_where_it_came_from(alice, bob):
    with context.bound(request_id="req_1", address="203.0.113.24", task_id="tsk_1"):
        event = record(actor=alice, verb="person.changed", target=bob, before={"name": "B"}, after={"name": "Bob"})
    event.refresh_from_db()
    assert event.pk.startswith("evt_")
    assert (event.actor_id, event.actor_label) == (alice.pk, "Alice")
    assert (event.target_type, event.target_id, event.target_label) == ("user", bob.pk, "Bob")
    assert (event.before, event.after) == ({"name": "B"}, {"name": "Bob"})
    assert (event.request_id, event.address, event.task_id) == ("req_1", "203.0.113.24", "tsk_1")


def test_the_event_outlives_its_actor_and_its_target(alice, bob):
    event = record(actor=alice, verb="person.changed", target=bob)
    User.objects.all().delete()
    event.refresh_from_db()
    assert (event.actor_label, event.target_label) == ("Alice", "Bob")


def test_actors_without_an_account():
    assert record(actor=SYSTEM, verb="person.created", target=Target("user")).actor_label == "The system"
    assert record(actor=ANONYMOUS, verb="account.sign_in_failed", target=Target("user")).actor_id == ""


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_it_refuses():
    with pytest.raises(transaction.TransactionManagementError, match="recorded outside of a transaction"):
        record(actor=SYSTEM, verb="person.created", target=Target("user"))
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_goes_with_the_change_that_is_rolled_back():
    with transaction.atomic():
        record(actor=SYSTEM, verb="person.created", target=Target("user"))
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()
    assert not Event.objects.exists()


def test_an_unknown_verb_is_refused_and_an_app_of_its_own_can_declare_one():
    with pytest.raises(ValueError, match=r"'raft\.floated' isn't a verb of the audit log. Add it to apps/audit/verbs"):
        record(actor=SYSTEM, verb="raft.floated", target=Target("raft"))
    declare({"raft.floated": "Floated %(target)s"})
    event = record(actor=SYSTEM, verb="raft.floated", target=Target("raft", label="Kon-Tiki"))
    assert (event.sentence, str(event)) == ("Floated Kon-Tiki", "The system: Floated Kon-Tiki")


def test_every_verb_reads_as_what_was_done_to_something():
    import re

    for verb, text in VERBS.items():
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", verb)
        with override("en"):
            assert str(text) % {"target": "it"}


def test_a_verb_of_a_later_version_is_shown_as_it_is():
    assert AuditEvent(verb="later.thing_done", target_label="100%").sentence == "later.thing_done"


def test_secrets_are_masked_by_their_type_and_by_their_name(alice):
    event = record(
        actor=alice,
        verb="person.changed",
        target=alice,
        before={"token": "imp_pat_1", "api_key": "k", "nested": [{"client_secret": "s", "name": "n"}]},
        after={"value": Secret("s3cret"), "password": "p", "token": "", "passwords": ["a", "b"], "tokens_used": 3},
    )
    event.refresh_from_db()
    assert event.before == {"token": MASK, "api_key": MASK, "nested": [{"client_secret": MASK, "name": "n"}]}
    assert event.after == {"value": MASK, "password": MASK, "token": "", "passwords": MASK, "tokens_used": 3}


def test_values_become_plain_json(alice):
    at = datetime(2027, 1, 2, 3, 4, tzinfo=UTC)
    after = {"at": at, "sum": Decimal("1.50"), "theme": User.Theme.DARK, "label": gettext_lazy("Dark"), "set": {2, 1}}
    event = record(actor=alice, verb="person.changed", target=alice, after=after)
    event.refresh_from_db()
    assert event.after == {"at": "2027-01-02T03:04:00Z", "sum": "1.50", "theme": "dark", "label": "Dark", "set": [1, 2]}
    with pytest.raises(TypeError, match="owner of the type User can't go into the audit log; pass its id"):
        masked({"owner": alice})


def test_changes_are_only_what_differs():
    before = {"name": "a", "theme": "dark", "gone": 1, "token": Secret("x")}
    after = {"name": "b", "theme": "dark", "new": None, "token": Secret("x")}
    assert changes(before, after) == ({"name": "a", "gone": 1}, {"name": "b", "new": None})
    same, other = changes({"token": Secret("x")}, {"token": Secret("y")})
    assert (masked(same), masked(other)) == ({"token": MASK}, {"token": MASK})


def test_a_long_name_is_cut_and_not_refused(alice):
    event = record(actor=SYSTEM, verb="person.created", target=Target("user", label="x" * 300))
    event.refresh_from_db()
    assert (len(event.target_label), event.target_label[-1]) == (200, "…")


# --- Who reads it ----------------------------------------------------------------------------------


@pytest.fixture
def three(alice, bob, operator):
    return [
        record(actor=alice, verb="account.signed_in", target=alice),
        record(actor=operator, verb="person.changed", target=alice),
        record(actor=bob, verb="account.signed_in", target=bob),
    ]


def test_operators_read_everything_and_people_what_concerns_them(three, alice, bob, operator, client):
    from django.contrib.auth.models import AnonymousUser

    first, second, third = three
    assert list(list_events(actor=operator)) == [third, second, first]
    assert list(list_events(actor=alice)) == [second, first]
    assert list(list_events(actor=bob)) == [third]
    assert list(list_events(actor=AnonymousUser())) == []


def test_pages_hear_of_new_entries(alice):
    event = record(actor=alice, verb="account.signed_in", target=alice)
    published = set(Event.objects.values_list("topic", "kind", "ref"))
    assert published == {("audit", "recorded", event.pk), (f"audit:{alice.pk}", "recorded", event.pk)}
    assert Event.objects.count() == 2


def test_who_may_listen_is_who_may_read(alice, bob, operator):
    from django.contrib.auth.models import AnonymousUser

    assert can_listen(operator, "")
    assert can_listen(operator, alice.pk)
    assert can_listen(alice, alice.pk)
    assert not can_listen(alice, "")
    assert not can_listen(alice, bob.pk)
    assert not can_listen(AnonymousUser(), "")
    assert topics_for(operator) == ["audit"]
    assert topics_for(alice) == [f"audit:{alice.pk}"]
    assert topics_for(AnonymousUser()) == []
