"""What a wall shows, takes and leaves behind."""

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.accounts.models import User
from apps.core.walls import current_wall, walled
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests.tenants.world import join


def whoami() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def test_inside_are_only_the_tenants_own_rows(tidewater: Tenant, hanbit: Tenant) -> None:
    with walled(tidewater.pk):
        assert current_wall() == tidewater.pk
        assert {row.tenant_id for row in Membership.objects.all()} == {tidewater.pk}
        assert list(Tenant.objects.all()) == [tidewater]
    assert Tenant.objects.count() == 2
    assert current_wall() == ""


def test_rows_of_another_tenant_are_neither_added_nor_changed(
    tidewater: Tenant, hanbit: Tenant, operator: User
) -> None:
    with walled(tidewater.pk):
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            join(operator, hanbit, Role.VIEWER)
        assert Membership.objects.filter(tenant=hanbit).update(role=Role.VIEWER) == 0
        assert Membership.objects.filter(tenant=hanbit).delete()[0] == 0
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Membership.objects.filter(tenant=tidewater).update(tenant=hanbit)
    assert Membership.objects.get(tenant=hanbit).role == Role.OWNER


def test_a_wall_inside_of_another_ends_in_the_outer_one(tidewater: Tenant, hanbit: Tenant) -> None:
    owner = whoami()
    with walled(tidewater.pk):
        with walled(hanbit.pk):
            assert list(Tenant.objects.all()) == [hanbit]
        assert list(Tenant.objects.all()) == [tidewater]
    assert whoami() == owner


def test_an_error_takes_the_wall_away_with_what_was_done(tidewater: Tenant, alice: User) -> None:
    owner = whoami()

    def delete_and_fail() -> None:
        with walled(tidewater.pk):
            Membership.objects.filter(person=alice).delete()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        delete_and_fail()
    assert whoami() == owner
    assert Membership.objects.filter(person=alice).exists()


def test_a_rollback_that_was_asked_for_takes_it_away_too(tidewater: Tenant, alice: User) -> None:
    owner = whoami()
    with walled(tidewater.pk):
        Membership.objects.filter(person=alice).delete()
        transaction.set_rollback(True)
    assert whoami() == owner
    assert Membership.objects.filter(person=alice).exists()


@pytest.mark.django_db(transaction=True)
def test_the_connection_comes_out_of_its_transaction_as_it_went_in(tidewater: Tenant) -> None:
    owner = whoami()
    with walled(tidewater.pk):
        assert whoami() == "imp_tenant"
    assert whoami() == owner
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('imp.tenant_id', true)")
        assert cursor.fetchone()[0] in (None, "")


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_the_commit_runs_outside_of_it(tidewater: Tenant, hanbit: Tenant) -> None:
    seen: list[tuple[str, str]] = []
    with walled(tidewater.pk), walled(hanbit.pk):
        transaction.on_commit(lambda: seen.append((current_wall(), whoami())))
    assert seen == [("", whoami())]


def test_no_tenant_is_no_wall() -> None:
    with pytest.raises(ValueError, match="needs a tenant"), walled(""):
        pass
