"""The second wall of the stream: an event stays in the tenant that it was published in, whatever its topic's rule says.

The topic `note` is open to everybody here, so that nothing but this wall stands between two tenants.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.core.events import listeners, publish, register_tenants
from apps.core.events.listeners import Claim, judge
from apps.core.events.models import Event
from apps.core.walls import walled
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests.tenants.world import join, make_tenant

pytestmark = pytest.mark.django_db(transaction=True)

Listen = Callable[..., Any]


@pytest.fixture
def tidewater(alice: Any) -> Tenant:
    tenant = make_tenant("Tidewater")
    join(alice, tenant, Role.OWNER)
    return tenant


@pytest.fixture
def hanbit(bob: Any) -> Tenant:
    tenant = make_tenant("Hanbit")
    join(bob, tenant, Role.OWNER)
    return tenant


def test_an_event_of_a_tenant_reaches_its_people_and_operators(
    listen: Listen, person: Any, alice: Any, bob: Any, tidewater: Tenant, hanbit: Tenant
) -> None:
    pages = {name: listen(each, "note:n1") for name, each in (("alice", alice), ("bob", bob))}
    pages["operator"] = listen(person("olivia", is_staff=True), "note:n1")
    with walled(hanbit.pk):
        publish("note:n1", "saved", "of-hanbit")
    publish("note:n1", "saved", "of-nobody")
    told = {name: page.next_of("message").told[2] for name, page in pages.items()}
    assert told == {"alice": "of-nobody", "bob": "of-hanbit", "operator": "of-hanbit"}


def test_what_a_page_missed_is_told_from_its_own_tenants_only(
    listen: Listen, alice: Any, bob: Any, tidewater: Tenant, hanbit: Tenant
) -> None:
    page = listen(alice, "note:n1")
    last = page.last
    page.close()
    for tenant in (hanbit, tidewater):
        with walled(tenant.pk):
            publish("note:n1", "saved", tenant.slug)
    assert listen(alice, "note:n1", last=last).told(1) == [("note:n1", "saved", "tidewater")]
    assert listen(bob, "note:n1", last=last).told(1) == [("note:n1", "saved", "hanbit")]


def test_whoever_is_removed_hears_no_more_of_it_within_seconds(
    listen: Listen, alice: Any, tidewater: Tenant, hanbit: Tenant
) -> None:
    membership = join(alice, hanbit)
    page = listen(alice, "note:n1")
    with walled(hanbit.pk):
        publish("note:n1", "saved", "before")
    assert page.told(1) == [("note:n1", "saved", "before")]
    membership.delete()
    # The stream itself goes on, checked at each sign of life
    page.until(lambda message: message.event == "ping")
    page.until(lambda message: message.event == "ping")
    with walled(hanbit.pk):
        publish("note:n1", "saved", "after")
    publish("note:n1", "saved", "of-nobody")
    assert page.told(1) == [("note:n1", "saved", "of-nobody")]


def test_people_of_a_suspended_tenant_hear_nothing_of_it(alice: Any, tidewater: Tenant) -> None:
    assert _tenants_of(alice) == {tidewater.pk}
    Tenant.objects.update(suspended_at="2026-01-01T00:00:00Z")
    assert _tenants_of(alice) == set()


def test_an_event_belongs_to_the_wall_then_to_the_tenant_in_its_topic(tidewater: Tenant, hanbit: Tenant) -> None:
    publish("note:n1", "saved")
    publish(f"note:{hanbit.pk}", "saved")
    with walled(tidewater.pk):
        publish(f"note:{hanbit.pk}", "saved")
        publish("note:n1", "saved", tenant_id="")
    assert list(Event.objects.order_by("pk").values_list("tenant_id", flat=True)) == ["", hanbit.pk, tidewater.pk, ""]


def test_inside_a_wall_no_event_is_written_or_read_as_anothers(tidewater: Tenant, hanbit: Tenant) -> None:
    with walled(hanbit.pk):
        publish("note:n1", "saved")
    with walled(tidewater.pk):
        assert not Event.objects.exists()
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            publish("note:n1", "saved", tenant_id=hanbit.pk)


def test_the_topics_rule_alone_keeps_others_out_too(
    monkeypatch: pytest.MonkeyPatch, alice: Any, bob: Any, hanbit: Tenant
) -> None:
    """The first wall by itself: the second lets everything through here."""
    monkeypatch.setattr(listeners, "_find_tenants", lambda people: {person.pk: None for person in people})
    topics = frozenset({f"tenant:{hanbit.pk}"})
    stranger, owner = judge([Claim(alice.session, topics), Claim(bob.session, topics)])
    assert (stranger.tenants, stranger.refused) == (None, topics)
    assert owner.refused == frozenset()


def test_without_anybody_who_knows_tenants_no_event_of_one_is_told(
    monkeypatch: pytest.MonkeyPatch, alice: Any, tidewater: Tenant
) -> None:
    monkeypatch.setattr(listeners, "_find_tenants", listeners._find_tenants)
    register_tenants(lambda people: {})
    assert _tenants_of(alice) == set()


def test_the_tenants_of_many_people_are_one_query(
    person: Any, django_assert_num_queries: Any, tidewater: Tenant
) -> None:
    people = [person(f"person{number}") for number in range(5)]
    for each in people:
        join(each, tidewater)
    claims = [Claim(each.session, frozenset({"note:n1"})) for each in people]
    judge(claims)
    # The connection is checked first, then sessions, people and their tenants are read
    with django_assert_num_queries(3):
        verdicts = judge(claims)
    assert {verdict.tenants for verdict in verdicts} == {frozenset({tidewater.pk})}
    assert Membership.objects.count() == 6
    assert connection.in_atomic_block is False


def _tenants_of(person: Any) -> set[str]:
    (verdict,) = judge([Claim(person.session, frozenset())])
    assert verdict.tenants is not None
    return set(verdict.tenants)
