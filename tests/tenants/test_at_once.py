"""What somebody does while somebody else takes the ground from under it: tried with two real connections."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.errors import Problem
from apps.tenants import services
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Role
from tests.machine import database_url
from tests.people import make_person
from tests.tenants.contract import make_invitation
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)


WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def outcomes(first: Callable[[], Any], second: Callable[[], Any]) -> list[str]:
    """The second begins once the first has done its work, and before that is committed."""
    first_did, ended = threading.Event(), ["", ""]

    def go(number: int, work: Callable[[], Any]) -> None:
        try:
            if number:
                first_did.wait(timeout=60)
            with transaction.atomic():
                work()
                first_did.set()
                if not number:
                    until_the_other_waits(ended)
            ended[number] = "done"
        except Problem as refusal:
            ended[number] = type(refusal).__name__
        except Exception as error:
            ended[number] = repr(error)
        finally:
            first_did.set()
            connection.close()

    threads = [threading.Thread(target=go, args=each) for each in enumerate([first, second])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return ended


def until_the_other_waits(ended: list[str]) -> None:
    """For a lock; one that needs none has ended soon."""
    until = time.monotonic() + 60
    with psycopg.connect(database_url(), autocommit=True) as looking:
        while time.monotonic() < until and not ended[1]:
            if looking.execute(WAITING).fetchone():
                return
            time.sleep(0.01)


def test_who_joins_while_the_workspace_is_deleted(alice, tidewater):
    eve = make_person("eve")
    owner, invitation = member(alice, tidewater), make_invitation(tidewater, alice, eve.email)
    ended = outcomes(
        lambda: services.delete_tenant(actor=owner),
        lambda: services.accept_invitation(actor=eve, invitation=invitation),
    )
    assert ended == ["done", "InvitationEnded"]
    assert not Tenant.objects.exists()


def test_who_takes_back_what_somebody_takes_back_already(alice, tidewater):
    """They're told so, and not that somebody changed what they never saw a version of."""
    owner, invitation = member(alice, tidewater), make_invitation(tidewater, alice, "zoe@reyes.example")
    ended = outcomes(
        lambda: services.revoke_invitation(actor=owner, invitation=Invitation.objects.get(pk=invitation.pk)),
        lambda: services.revoke_invitation(actor=owner, invitation=invitation),
    )
    assert ended == ["done", "Conflict"]


def test_who_sends_again_what_was_just_accepted(alice, tidewater):
    eve = make_person("eve")
    owner, invitation = member(alice, tidewater), make_invitation(tidewater, alice, eve.email)
    Invitation.objects.update(sent_at=clock.now() - timedelta(hours=1))
    ended = outcomes(
        lambda: services.accept_invitation(actor=eve, invitation=invitation),
        lambda: services.resend_invitation(actor=owner, invitation=Invitation.objects.get(pk=invitation.pk)),
    )
    assert ended == ["done", "Conflict"]


def test_a_workspace_that_is_deleted_while_somebody_joins(alice, tidewater):
    eve = make_person("eve")
    owner, invitation = member(alice, tidewater), make_invitation(tidewater, alice, eve.email)
    ended = outcomes(
        lambda: services.accept_invitation(actor=eve, invitation=invitation),
        lambda: services.delete_tenant(actor=owner),
    )
    assert ended == ["done", "done"]
    assert not Membership.objects.exists()


def test_who_invites_while_the_workspace_is_deleted(alice, tidewater):
    owner = member(alice, tidewater)
    ended = outcomes(
        lambda: services.delete_tenant(actor=owner),
        lambda: services.invite_person(actor=owner, email="zoe@reyes.example", role=Role.VIEWER),
    )
    assert ended == ["done", "NotFound"]


def test_who_joins_while_their_groups_bring_them_in(alice, tidewater):
    eve = make_person("eve")
    invitation = make_invitation(tidewater, alice, eve.email)
    ended = outcomes(
        lambda: services.follow_groups(actor=SYSTEM, person=eve, roles={tidewater.pk: Role.QA}, within={tidewater.pk}),
        lambda: services.accept_invitation(actor=eve, invitation=invitation),
    )
    assert ended == ["done", "done"]
    assert Membership.objects.get(person=eve).role == Role.QA


def test_an_owner_who_is_demoted_while_they_delete_the_workspace(alice, bob, tidewater):
    Membership.objects.update(role=Role.OWNER)
    first, second = member(alice, tidewater), member(bob, tidewater)
    row = Membership.objects.select_related("tenant", "person").get(person=bob)
    ended = outcomes(
        lambda: services.change_role(actor=first, membership=row, role=Role.VIEWER),
        lambda: services.delete_tenant(actor=second),
    )
    assert ended == ["done", "NotAllowed"]
    assert Tenant.objects.exists()


def test_an_admin_who_is_removed_while_they_invite(alice, bob, tidewater):
    Membership.objects.filter(person=bob).update(role=Role.ADMIN)
    owner, admin = member(alice, tidewater), member(bob, tidewater)
    row = Membership.objects.select_related("tenant", "person").get(person=bob)
    ended = outcomes(
        lambda: services.remove_member(actor=owner, membership=row),
        lambda: services.invite_person(actor=admin, email="back@door.example", role=Role.ADMIN),
    )
    assert ended == ["done", "NotFound"]
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("name", ["delete", "change", "invite"])
def test_a_workspace_that_is_suspended_while_somebody_writes(alice, tidewater, name):
    owner, tenant = member(alice, tidewater), Tenant.objects.get(pk=tidewater.pk)
    ways: dict[str, Callable[[], Any]] = {
        "delete": lambda: services.delete_tenant(actor=owner),
        "change": lambda: services.change_tenant(actor=owner, name="Other"),
        "invite": lambda: services.invite_person(actor=owner, email="zoe@reyes.example", role=Role.VIEWER),
    }
    ended = outcomes(lambda: services.suspend_tenant(actor=SYSTEM, tenant=tenant, reason="Unpaid"), ways[name])
    assert ended == ["done", "TenantSuspended"]
    assert Tenant.objects.get().name == "Tidewater"
