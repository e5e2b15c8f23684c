"""Of two owners who go in the same moment, one is refused: tried with two real connections."""

from functools import partial

import pytest
from django.db import connection, transaction

from apps.core.errors import Problem
from apps.tenants import selectors, services
from apps.tenants.models import Membership
from apps.tenants.problems import LastOwner
from apps.tenants.roles import Role
from tests.at_once import at_once
from tests.tenants.world import join, member


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["leave", "demote the other", "demote oneself", "remove the other"])
def test_of_two_owners_who_go_at_once_one_stays(alice, bob, tidewater, way):
    Membership.objects.update(role=Role.OWNER)
    rows = {
        person.pk: Membership.objects.select_related("tenant", "person").get(person=person) for person in (alice, bob)
    }
    actors = {person.pk: member(person, tidewater) for person in (alice, bob)}
    other = {alice.pk: bob.pk, bob.pk: alice.pk}

    def go(me: str) -> None:
        with transaction.atomic():
            if way == "leave":
                services.leave_tenant(actor=actors[me])
            elif way == "demote oneself":
                services.change_role(actor=actors[me], membership=rows[me], role=Role.VIEWER)
            elif way == "demote the other":
                services.change_role(actor=actors[me], membership=rows[other[me]], role=Role.VIEWER)
            else:
                services.remove_member(actor=actors[me], membership=rows[other[me]])
            # Holds the lock long enough for the other to have to wait for it
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.2)")

    ends = at_once(partial(go, alice.pk), partial(go, bob.pk))
    [refusal] = [end for end in ends if end is not None]
    assert isinstance(refusal, Problem), refusal
    assert Membership.objects.filter(role=Role.OWNER).count() == 1


@pytest.mark.django_db
def test_whose_going_would_leave_a_workspace_without_an_owner(alice, bob, charlie, tidewater, hanbit):
    join(alice, hanbit, Role.OWNER)
    assert selectors.owned_alone_by(alice) == [tidewater]
    assert selectors.owned_alone_by(bob) == selectors.owned_alone_by(charlie) == []


@pytest.mark.django_db
def test_an_owner_who_cant_sign_in_is_none_who_could_stay(alice, bob, tidewater):
    Membership.objects.update(role=Role.OWNER)
    bob.is_active = False
    bob.save()
    with pytest.raises(LastOwner):
        services.leave_tenant(actor=member(alice, tidewater))
    with pytest.raises(LastOwner):
        services.hand_over_ownership(
            actor=member(alice, tidewater), membership=Membership.objects.select_related("tenant").get(person=bob)
        )
    assert selectors.owned_alone_by(alice) == [tidewater]
    assert set(Membership.objects.values_list("role", flat=True)) == {Role.OWNER}
