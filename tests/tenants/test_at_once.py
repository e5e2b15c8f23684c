"""What somebody does while somebody else takes the ground from under it: tried with two real connections."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from apps.audit.services import SYSTEM
from apps.core.errors import Problem
from apps.tenants import services
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Role
from tests.people import make_person
from tests.tenants.contract import make_invitation
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)


def outcomes(first: Callable[[], Any], second: Callable[[], Any]) -> list[str]:
    """The second begins once the first has done its work, and before that is committed."""
    first_did, ended = threading.Event(), ["", ""]

    def go(number: int, work: Callable[[], Any]) -> None:
        try:
            if number:
                first_did.wait(timeout=10)
            with transaction.atomic():
                work()
                first_did.set()
                if not number:
                    # Long enough for the other to have to wait
                    threading.Event().wait(0.3)
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
        thread.join(timeout=30)
    return ended


def test_who_joins_while_the_workspace_is_deleted(alice, tidewater):
    eve = make_person("eve")
    owner, invitation = member(alice, tidewater), make_invitation(tidewater, alice, eve.email)
    ended = outcomes(
        lambda: services.delete_tenant(actor=owner),
        lambda: services.accept_invitation(actor=eve, invitation=invitation),
    )
    assert ended == ["done", "InvitationEnded"]
    assert not Tenant.objects.exists()


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
