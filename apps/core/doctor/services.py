"""What only the running database can tell: itself, migrations, clock, processes, queue."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.core import clock
from apps.core.doctor.findings import START, Check, Finding, error, note, ok, warning
from apps.core.notify import parameters
from apps.core.processes.selectors import GONE_AFTER, LATE_AFTER, Health, last_seen, list_processes
from apps.core.queue.selectors import get_counts, get_lag
from apps.core.up.preflight import OLDEST_POSTGRES
from apps.core.walls import ROLE

LARGEST_CLOCK_DIFFERENCE = timedelta(seconds=2)
LONG_LAG = timedelta(seconds=10)


# Of other apps, which add theirs in ready()
_more: list[Check] = []


def register_check(check: Check) -> None:
    if check not in _more:
        _more.append(check)


def checks() -> tuple[Check, ...]:
    """Only the first one where the database doesn't answer: the others would all say the same."""
    reason = _cannot_connect()
    if reason is None:
        return (check_database, check_clock, check_migrations, check_walls, check_processes, check_queue, *_more)
    return (_unreachable(reason),)


def _cannot_connect() -> str | None:
    try:
        psycopg.connect(**parameters()).close()
    except psycopg.Error as failure:
        return " ".join(str(failure).split())
    return None


def _unreachable(reason: str) -> Callable[[], Iterator[Finding]]:
    def check_database() -> Iterator[Finding]:
        if settings.DATABASE_URL:
            yield error("database", f"can't be reached: {reason}", "Check DATABASE_URL and that the server runs.")
        else:
            yield error("database", "the embedded PostgreSQL doesn't run", START)

    return check_database


def check_database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
        cursor.execute("SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity")
        used, most = cursor.fetchone()
    whose = "of DATABASE_URL" if settings.DATABASE_URL else "embedded"
    if int(version.split(".")[0]) < OLDEST_POSTGRES:
        yield error("database", f"PostgreSQL {version} is too old", f"Upgrade it to {OLDEST_POSTGRES} or newer.")
    else:
        yield ok("database", f"PostgreSQL {version}, {whose}")
    if used > most * 0.8:
        yield warning(
            "database", f"{used} of {most} connections are used", "Raise max_connections or run fewer processes."
        )


def check_clock() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        before = clock.now()
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
        after = clock.now()
    difference = abs(there - (before + (after - before) / 2))
    told = f"{difference.total_seconds():.3f} s apart from the database's"
    if difference > LARGEST_CLOCK_DIFFERENCE:
        yield error("clock", told, "Synchronise both machines' clocks (NTP): sessions, leases and limits depend on it.")
    else:
        yield ok("clock", told)


def check_migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = [
        f"{step.app_label}.{step.name}" for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())
    ]
    unknown = sorted(set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations))
    if missing:
        told = f"{len(missing)} not applied: {', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}"
        yield error("migrations", told, "Run `manage.py migrate`; `make run` does so too.")
    if unknown:
        told = ", ".join(f"{app}.{name}" for app, name in unknown[:3])
        yield warning(
            "migrations", f"the database has some that this version doesn't know: {told}", "Run the newer version."
        )
    if not missing and not unknown:
        yield ok("migrations", f"{len(executor.loader.disk_migrations)} applied")


def check_walls() -> Iterator[Finding]:
    """After a move to another server the role may be missing: roles aren't in a dump of one database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN to_regrole(%s) IS NULL THEN false ELSE pg_has_role(%s, 'SET') END", [ROLE, ROLE]
        )
        (may_enter,) = cursor.fetchone()
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname = 'tenant_id'"
            " AND NOT relrowsecurity ORDER BY relname"
        )
        bare = [name for (name,) in cursor.fetchall()]
    if not may_enter:
        yield error(
            "walls",
            f"the database's user can't take on the role {ROLE}: no page of a workspace opens",
            f"As a database administrator: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO the user WITH SET TRUE, "
            "then restore its rights on the tables.",
        )
    if bare:
        yield error("walls", f"no policy on {', '.join(bare)}", "Restore the database with its policies, or migrate.")
    if may_enter and not bare:
        yield ok("walls", "tenants are walled off from each other in the database")


def check_processes() -> Iterator[Finding]:
    now = clock.now()
    for kind in ("web", "live", "worker", "agents"):
        seen_at = last_seen(kind)
        if seen_at is None:
            yield error(kind, "none runs", START)
            continue
        age = now - seen_at
        told = f"seen {max(0.0, age.total_seconds()):.0f} s ago"
        if age > GONE_AFTER:
            yield error(kind, f"gone, last {told}", START)
        elif age > LATE_AFTER:
            yield warning(kind, f"late, last {told}", "Look again in a minute; if it stays, see its log lines.")
        else:
            yield ok(kind, told)
    versions = {process.version for process in list_processes() if process.health is Health.ALIVE}
    if len(versions) > 1:
        yield warning("versions", f"different ones run: {', '.join(sorted(versions))}", "Restart the older ones.")


def check_queue() -> Iterator[Finding]:
    lag, counts = get_lag(), get_counts()
    told = (
        f"lag {lag.total_seconds():.1f} s, {counts.queued} waiting, {counts.running} running, {counts.delayed} delayed"
    )
    if lag > LONG_LAG:
        yield warning("queue", told, "Start more workers, or see which task holds them: the admin lists what runs.")
    else:
        yield ok("queue", told)
    if counts.failed:
        yield note(
            "queue", f"{counts.failed} failed tasks", "Look at them in the admin; each can be tried again there."
        )
