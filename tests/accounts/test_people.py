"""Accounts made and changed by a system administrator, and the administrator who has to remain."""

import pytest

from apps.accounts import services
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, InvalidInput, NotAllowed, StaleVersion
from tests.people import make_person

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-tide-4711"


def recorded(verb: str) -> AuditEvent:
    return AuditEvent.objects.get(verb=verb)


def test_an_account_is_made_and_written_down_without_its_password(yuna):
    made = services.create_person(actor=yuna, email=" Zoe@Reyes.example ", password=PASSWORD, name="Zoë")
    assert (made.email, made.name, made.is_staff) == ("zoe@reyes.example", "Zoë", False)
    assert User.objects.get(pk=made.pk).check_password(PASSWORD)
    event = recorded("person.created")
    assert event.after == {"email": "zoe@reyes.example", "name": "Zoë", "is_staff": False, "is_superuser": False}
    assert (event.actor_id, event.target_id, event.before) == (yuna.pk, made.pk, None)


def test_an_address_belongs_to_one_person_in_any_case(yuna, alice):
    with pytest.raises(InvalidInput) as caught:
        services.create_person(actor=yuna, email="ALICE@tidewater.example", password=PASSWORD)
    assert list(caught.value.fields) == ["email"]
    bob = make_person("bob")
    with pytest.raises(InvalidInput):
        services.change_person(actor=yuna, user=bob, email="Alice@tidewater.example")


def test_a_weak_password_is_refused(yuna):
    with pytest.raises(InvalidInput) as caught:
        services.create_person(actor=yuna, email="zoe@reyes.example", password="zoe@reyes")
    assert list(caught.value.fields) == ["password"]
    assert not User.objects.filter(email="zoe@reyes.example").exists()


def test_what_changes_is_written_down_with_what_it_was(yuna, alice):
    services.change_person(actor=yuna, user=alice, email="Alice@New.example", is_staff=False)
    event = recorded("person.changed")
    assert (event.before, event.after) == ({"email": "alice@tidewater.example"}, {"email": "alice@new.example"})


def test_a_system_administrator_is_an_operator_too(yuna, alice):
    services.change_person(actor=yuna, user=alice, is_superuser=True)
    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser) == (True, True)


def test_someone_deactivated_is_out_with_the_next_request(yuna, alice, client):
    client.force_login(alice)
    assert client.get("/account").status_code == 200
    services.deactivate_person(actor=yuna, user=alice)
    assert client.get("/account").status_code == 302
    assert recorded("person.deactivated").target_id == alice.pk


def test_someone_reactivated_signs_in_anew(yuna, alice, client):
    client.force_login(alice)
    services.deactivate_person(actor=yuna, user=alice)
    services.reactivate_person(actor=yuna, user=alice)
    alice.refresh_from_db()
    assert alice.is_active
    assert client.get("/account").status_code == 302
    assert recorded("person.reactivated")


def test_the_last_system_administrator_stays(yuna):
    for attempt in (
        lambda: services.change_person(actor=SYSTEM, user=yuna, is_superuser=False),
        lambda: services.deactivate_person(actor=SYSTEM, user=yuna),
    ):
        with pytest.raises(Conflict, match="the last system administrator"):
            attempt()
    yuna.refresh_from_db()
    assert yuna.is_superuser
    assert yuna.is_active
    second = make_person("second", is_staff=True, is_superuser=True)
    services.change_person(actor=second, user=yuna, is_superuser=False)


def test_nobody_deactivates_themselves(yuna):
    make_person("second", is_staff=True, is_superuser=True)
    with pytest.raises(Conflict, match="your own account"):
        services.deactivate_person(actor=yuna, user=yuna)


@pytest.mark.parametrize("name", ["alice", "operator"])
def test_only_a_system_administrator_manages_people(name, request, bob):
    actor = request.getfixturevalue(name)
    before = User.objects.get(pk=bob.pk)
    for attempt in (
        lambda: services.create_person(actor=actor, email="x@reyes.example", password=PASSWORD),
        lambda: services.change_person(actor=actor, user=bob, is_staff=True),
        lambda: services.deactivate_person(actor=actor, user=bob),
        lambda: services.reactivate_person(actor=actor, user=bob),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert vars(User.objects.get(pk=bob.pk)) | {"_state": None} == vars(before) | {"_state": None}
    assert not AuditEvent.objects.exists()


def test_of_two_who_change_somebody_the_second_is_refused(yuna, alice):
    stale = User.objects.get(pk=alice.pk)
    services.change_person(actor=yuna, user=alice, name="First")
    with pytest.raises(StaleVersion):
        services.change_person(actor=yuna, user=stale, name="Second")
    assert User.objects.get(pk=alice.pk).name == "First"


def test_a_value_it_does_not_manage_is_a_mistake_of_the_caller(yuna, alice):
    with pytest.raises(TypeError, match="doesn't change password"):
        services.change_person(actor=yuna, user=alice, password="x")


@pytest.mark.parametrize(
    ("who", "permission", "allowed"),
    [
        ({"is_staff": True}, "accounts.view_user", True),
        ({"is_staff": True}, "accounts.change_user", False),
        ({"is_staff": True}, "core.change_task", True),
        ({"is_staff": True, "is_superuser": True}, "accounts.change_user", True),
        ({}, "accounts.view_user", False),
        ({"is_superuser": True}, "accounts.view_user", False),
        ({"is_staff": True, "is_superuser": True, "is_active": False}, "accounts.view_user", False),
    ],
)
def test_operators_see_all_run_the_platform_and_leave_people_to_administrators(who, permission, allowed):
    assert User(email="x@reyes.example", **who).has_perm(permission) is allowed
    assert User(email="x@reyes.example", **who).has_perms([permission]) is allowed
