"""1,000 workspaces of 50 people each: what the second wall between them costs.

The same product answers the same requests twice, once inside the wall of row-level security and once without it, in
turns. Asked are the member list, the audit log, and the first page after a switch to another workspace, each time in
another workspace, so that nothing is at hand from the time before.

    python -m benchmarks.tenants
"""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.page_settings")

from benchmarks.harness import percentile, quiet, record, scratch_database, take_turns

TENANTS = 1_000
PEOPLE = 50
EVENTS = 100
# Somebody who looks after several workspaces
OWN_TENANTS = 20
GOAL = 1.15
# A slow moment of the machine spoils one of them
BLOCKS = 6
ROUNDS = 100
WARM_UP = 20

Ask = Callable[[], object]

FILL = """
INSERT INTO tenants_tenant (id, version, kind, name, slug, suspended_because, created_at, updated_at)
SELECT 'ten_' || lpad(t::text, 26, '0'), 1, 'provider', 'Workspace ' || t, 'workspace-' || t, '', now(), now()
FROM generate_series(1, {tenants}) AS t;

INSERT INTO accounts_user (id, version, password, email, name, is_active, is_staff, is_superuser, language, theme,
    time_zone, created_at, updated_at)
SELECT 'usr_' || lpad(t || '0' || p, 26, '0'), 1, '!', 'person-' || t || '-' || p || '@example.com',
    'Person ' || p || ' of ' || t, true, false, false, 'en', 'system', '', now(), now()
FROM generate_series(1, {tenants}) AS t, generate_series(1, {people}) AS p;

INSERT INTO tenants_membership (id, version, tenant_id, person_id, role, given_by, last_seen_at, created_at, updated_at)
SELECT 'mem_' || lpad(t || '0' || p, 26, '0'), 1, 'ten_' || lpad(t::text, 26, '0'),
    'usr_' || lpad(t || '0' || p, 26, '0'), CASE p WHEN 1 THEN 'owner' ELSE 'viewer' END, 'person', now(), now(), now()
FROM generate_series(1, {tenants}) AS t, generate_series(1, {people}) AS p;

INSERT INTO audit_auditevent (id, at, actor_id, actor_label, verb, target_type, target_id, target_label, before, after,
    request_id, task_id, address, tenant_id)
SELECT 'evt_' || lpad(n || '0' || t, 26, '0'), now() - (n * {tenants} + t) * interval '1 second',
    'usr_' || lpad(t || '0' || (n % {people} + 1), 26, '0'), 'Person of ' || t, 'member.role_changed', 'membership',
    'mem_' || lpad(t || '0' || (n % {people} + 1), 26, '0'), 'Person of ' || t,
    jsonb_build_object('role', 'viewer'), jsonb_build_object('role', 'qa'), 'req_' || n, '', '127.0.0.1',
    'ten_' || lpad(t::text, 26, '0')
FROM generate_series(1, {events}) AS n, generate_series(1, {tenants}) AS t;

ANALYZE;
"""


def main() -> None:
    django.setup()
    with scratch_database():
        _fill()
        cookie, slugs = _somebody()
        for name, path in (
            ("member list", "/t/{}/members"),
            ("audit list", "/t/{}/audit"),
            ("switch", "/t/{}/"),
        ):
            _measure(name, path, cookie, slugs)


def _measure(name: str, path: str, cookie: str, slugs: list[str]) -> None:
    from apps.core.processes.memory import settle_memory

    # Neither side finds what the other has just read
    half = len(slugs) // 2
    asks = [_asking(path, cookie, slugs), _asking(path, cookie, slugs[half:] + slugs[:half])]
    _assert_walls_differ(asks[0])
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other, quiet():
        settle_memory()
        blocks = []
        for block in range(BLOCKS):
            # Which thread, connection and application one has makes more of a difference than the wall does
            (here, inside), (there, outside) = zip((one, other), asks, strict=True)
            if block % 2:
                (here, inside), (there, outside) = (there, outside), (here, inside)
            sides: dict[str, Ask] = {
                "with": partial(_in_thread, here, inside),
                "without": partial(_in_thread, there, partial(_without_wall, outside)),
            }
            blocks.append(take_turns(sides, rounds=ROUNDS, warm_up=WARM_UP))
        for thread in (one, other):
            _in_thread(thread, _disconnect)
    for percent in (50, 99):
        value, baseline = (median(percentile(block[side], percent) for block in blocks) for side in ("with", "without"))
        record(
            name=f"tenants: {name} with row-level security, p{percent}",
            value=value * 1000,
            unit="ms",
            baseline=baseline * 1000,
            goal=f"at most {GOAL} times without it" if percent == 99 else None,
            holds=value <= GOAL * baseline if percent == 99 else None,
        )


def _asking(path: str, cookie: str, slugs: list[str]) -> Ask:
    """The whole product for one request, in one workspace after the other."""
    from django.core.wsgi import get_wsgi_application
    from django.test import RequestFactory

    application: Any = get_wsgi_application()
    turns = itertools.cycle(slugs)

    def ask() -> bytes:
        request = RequestFactory(headers={"accept": "text/html"}).get(path.format(next(turns)))
        environ = {**request.environ, "HTTP_COOKIE": cookie, "HTTP_HOST": "127.0.0.1"}
        statuses: list[str] = []
        answer = application(environ, lambda status, headers, *_: statuses.append(status))
        body = b"".join(answer)
        answer.close()
        assert statuses == ["200 OK"], (statuses, body[:500])
        return body

    return ask


def _disconnect() -> None:
    """Each thread has its own."""
    from django.db import connection

    connection.close()


def _in_thread(thread: ThreadPoolExecutor, call: Ask) -> object:
    return thread.submit(call).result()


def _without_wall(ask: Ask) -> object:
    with patch("apps.core.walls._enter", lambda role, tenant_id: None):
        return ask()


def _assert_walls_differ(ask: Ask) -> None:
    """One side is inside, the other isn't: else the same would be compared with itself."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def enters(call: Ask) -> bool:
        with CaptureQueriesContext(connection) as queries:
            call()
        return any("set_config('role'" in query["sql"] for query in queries.captured_queries)

    with quiet():
        assert enters(ask)
        assert not enters(lambda: _without_wall(ask))


def _fill() -> None:
    from django.db import connection

    sizes = {"tenants": TENANTS, "people": PEOPLE, "events": EVENTS}
    with connection.cursor() as cursor:
        for statement in FILL.format(**sizes).split(";"):
            if statement.strip():
                cursor.execute(statement)


def _somebody() -> tuple[str, list[str]]:
    """The session of somebody who owns several workspaces, spread over all; and what those are called."""
    from django.conf import settings
    from django.test import Client

    from apps.accounts.models import User
    from apps.tenants.models import Membership, Tenant

    person = User.objects.create_user(email="owner@example.com", name="Owner")
    tenants = list(Tenant.objects.order_by("pk")[:: TENANTS // OWN_TENANTS])
    Membership.objects.bulk_create(Membership(tenant=each, person=person, role="owner") for each in tenants)
    client = Client()
    client.force_login(person)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    return f"{settings.SESSION_COOKIE_NAME}={cookie}", [tenant.slug for tenant in tenants]


if __name__ == "__main__":
    main()
