"""The database refuses to change the audit log, whoever asks and however."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.db.utils import IntegrityError

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, Target, record

TABLE = "audit_auditevent"
COLUMNS = [field.column for field in AuditEvent._meta.concrete_fields]


@pytest.fixture
def event(db: None) -> AuditEvent:
    return record(
        actor=SYSTEM,
        verb="person.created",
        target=Target("user", "usr_1", "박수진"),
        after={"email": "soojin@tidewater.example"},
    )


@pytest.fixture
def owner(event: AuditEvent) -> Iterator[Any]:
    """The product's own role: it owns the tables and is no superuser."""
    with connection.cursor() as cursor:
        yield cursor


def assert_refused(cursor: Any, sql: str, parameters: Any = None) -> None:
    stored = list(AuditEvent.objects.values_list())
    assert stored
    with pytest.raises(ProgrammingError, match="The audit log only grows") as caught, transaction.atomic():
        cursor.execute(sql, parameters)
    assert isinstance(caught.value.__cause__, psycopg.errors.InsufficientPrivilege)
    assert list(AuditEvent.objects.values_list()) == stored


def test_the_role_of_these_tests_owns_the_table_and_is_no_superuser(owner: Any) -> None:
    owner.execute("SELECT tableowner = current_user FROM pg_tables WHERE tablename = %s", [TABLE])
    assert owner.fetchone() == (True,)
    owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    assert owner.fetchone() == (False,)


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {TABLE} SET verb = 'account.signed_in'",
        f"UPDATE {TABLE} SET verb = verb WHERE false",
        f"DELETE FROM {TABLE}",
        f"DELETE FROM {TABLE} WHERE false",
        f"TRUNCATE {TABLE}",
        f"TRUNCATE {TABLE} CASCADE",
        f"MERGE INTO {TABLE} a USING (SELECT 1) b ON true WHEN MATCHED THEN DELETE",
        f"MERGE INTO {TABLE} a USING (SELECT 1) b ON true WHEN MATCHED THEN UPDATE SET verb = 'x'",
        f"WITH gone AS (DELETE FROM {TABLE} RETURNING id) SELECT count(*) FROM gone",
    ],
)
def test_the_owner_can_neither_change_nor_remove_events(owner: Any, statement: str) -> None:
    assert_refused(owner, statement)


def test_an_upsert_that_would_overwrite_is_refused(owner: Any, event: AuditEvent) -> None:
    columns = ", ".join(f'"{column}"' for column in COLUMNS)
    assert_refused(
        owner,
        f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM {TABLE} WHERE id = %s"
        " ON CONFLICT (id) DO UPDATE SET verb = 'x'",
        [event.pk],
    )


def test_copy_adds_and_never_overwrites(owner: Any, event: AuditEvent) -> None:
    stored = list(AuditEvent.objects.values_list())
    line = "\t".join([event.pk, "2001-01-01", "", "x", "x", "x", "", "x", "\\N", "\\N", *[""] * 6]) + "\n"

    def copy_in() -> None:
        with transaction.atomic(), owner.cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
            copy.write(line)

    with pytest.raises(psycopg.errors.UniqueViolation):
        copy_in()
    assert list(AuditEvent.objects.values_list()) == stored


def test_a_cascade_stops_at_the_event(owner: Any, event: AuditEvent) -> None:
    owner.execute("CREATE TABLE hand (event_id text PRIMARY KEY)")
    owner.execute("INSERT INTO hand VALUES (%s)", [event.pk])
    owner.execute(
        f"ALTER TABLE {TABLE} ADD CONSTRAINT hand FOREIGN KEY (id) REFERENCES hand"
        " ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY IMMEDIATE"
    )
    assert_refused(owner, "DELETE FROM hand")
    assert_refused(owner, "UPDATE hand SET event_id = 'evt_other'")
    assert_refused(owner, "TRUNCATE hand CASCADE")


def test_a_parent_table_is_no_way_around(owner: Any) -> None:
    owner.execute(f"CREATE TABLE parent (LIKE {TABLE} INCLUDING ALL)")
    owner.execute(f"ALTER TABLE {TABLE} INHERIT parent")
    assert_refused(owner, "UPDATE parent SET verb = 'x'")
    assert_refused(owner, "DELETE FROM parent")


def test_the_owner_cannot_pose_as_a_replica(owner: Any) -> None:
    with pytest.raises(ProgrammingError, match="permission denied to set parameter"), transaction.atomic():
        owner.execute("SET session_replication_role = replica")


@pytest.mark.django_db(transaction=True)
def test_a_superuser_that_poses_as_a_replica_is_refused_too() -> None:
    server = settings.EMBEDDED_POSTGRES.connection()
    assert not settings.DATABASE_URL, "This test needs a superuser's password: run it without DATABASE_URL."
    with transaction.atomic():
        record(actor=SYSTEM, verb="person.created", target=Target("user"))
    superuser = {"user": "postgres", "password": server.superuser_password, "dbname": connection.settings_dict["NAME"]}
    with psycopg.connect(host=server.host, port=server.port, autocommit=True, **superuser) as replica:
        replica.execute("SET session_replication_role = replica")
        for statement in (f"UPDATE {TABLE} SET verb = 'x'", f"DELETE FROM {TABLE}", f"TRUNCATE {TABLE}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="The audit log only grows"):
                replica.execute(statement)
    assert [event.verb for event in AuditEvent.objects.all()] == ["person.created"]


def test_the_orm_is_refused_like_everyone_else(event: AuditEvent) -> None:
    for attempt in (
        lambda: AuditEvent.objects.update(verb="x"),
        lambda: AuditEvent.objects.all().delete(),
        lambda: event.save(),
        lambda: event.delete(),
    ):
        with pytest.raises(ProgrammingError, match="The audit log only grows"), transaction.atomic():
            attempt()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.create(pk=event.pk, actor_label="x", verb="x", target_type="x", target_label="x")


@pytest.mark.django_db(transaction=True)
def test_cleaning_up_after_a_transactional_test_leaves_the_triggers_on() -> None:
    from django.core.management import call_command

    with transaction.atomic():
        kept = record(actor=SYSTEM, verb="person.created", target=Target("user"))
    call_command("flush", interactive=False, verbosity=0)
    assert not AuditEvent.objects.exists()
    with transaction.atomic():
        kept = record(actor=SYSTEM, verb="person.created", target=Target("user"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [TABLE])
        assert cursor.fetchall() == [("A",), ("A",)]
    with pytest.raises(ProgrammingError, match="The audit log only grows"):
        kept.delete()
