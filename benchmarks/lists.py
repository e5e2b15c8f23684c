"""A list of 50,000 rows over the whole HTTP stack, its first and its 1,000th page, against bare SQL that makes JSON.

Both sides are WSGI applications in this process, called alike, over the same database connection, and answer with the
same rows and the same fields. Ours has middleware, a session, permission, throttling and a cursor; the baseline is
one `json_agg` statement with nothing around it.

    python -m benchmarks.lists
"""

import os
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
# The bucket is asked as ever, but one client alone may send what a thousand would
os.environ["IMP_API_RATE"] = "1000000/second"
os.environ["IMP_API_ANONYMOUS_RATE"] = "1000000/second"

from benchmarks.harness import record, scratch_database

ROWS = 50_000
LIMIT = 50
FAR_PAGE = 1_000
GOAL = 2.5
ROUNDS = 400
WARM_UP = 50

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

FILL = """
INSERT INTO audit_auditevent (id, at, actor_id, actor_label, verb, target_type, target_id, target_label,
    before, after, request_id, task_id, address)
SELECT 'evt_' || lpad(n::text, 26, '0'), now() - (n || ' seconds')::interval, 'usr_' || (n %% 500), 'Ada Tidewater',
    'account.preferences_changed', 'user', 'usr_' || (n %% 500), 'Ada Tidewater',
    jsonb_build_object('theme', 'light', 'language', 'en'), jsonb_build_object('theme', 'dark', 'language', 'ko'),
    'req_' || n, '', '127.0.0.1'
FROM generate_series(1, %s) AS n
"""


def main() -> None:
    django.setup()
    from django.conf import settings

    # as in production: DEBUG keeps every statement
    settings.DEBUG = False
    with scratch_database():
        _measure()


def _measure() -> None:
    from django.core.wsgi import get_wsgi_application
    from django.db import connection

    from apps.audit.models import AuditEvent
    from apps.audit.selectors import ORDER
    from apps.core.listing import paginate

    with connection.cursor() as cursor:
        cursor.execute(FILL, [ROWS])
        cursor.execute("ANALYZE audit_auditevent")
    cookie = _signed_in()
    ours = get_wsgi_application()

    cursor_text: str | None = None
    last = None
    for _ in range(FAR_PAGE - 1):
        page = paginate(AuditEvent.objects.values("id", "at"), order=ORDER, cursor=cursor_text, limit=LIMIT)
        cursor_text, last = page.next_cursor, page.items[-1]
    assert cursor_text is not None
    assert last is not None

    pages = {
        "first page": ("", None),
        f"page {FAR_PAGE:,}": (f"&cursor={cursor_text}", (last["at"], last["id"])),
    }
    for name, (query, position) in pages.items():
        baseline = _bare(position)
        mine = _environ(f"limit={LIMIT}{query}", cookie)
        theirs = _environ("", "")
        _assert_same(_body(ours, mine), _body(baseline, theirs))
        value, bare = _medians((ours, mine), (baseline, theirs))
        record(
            name=f"lists: {name} of {ROWS:,} rows, {LIMIT} a page",
            value=round(value * 1000, 3),
            unit="ms",
            baseline=round(bare * 1000, 3),
            goal=f"at most {GOAL} times json_agg",
            holds=value <= GOAL * bare,
        )


def _signed_in() -> str:
    from django.conf import settings
    from django.test import Client

    from apps.accounts.models import User

    operator = User.objects.create_user(email="bench@tidewater.example", is_staff=True)
    client = Client()
    client.force_login(operator)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _bare(position: tuple[Any, Any] | None) -> Application:
    """One statement, its text as the body."""
    from django.db import connection

    from apps.audit.api import AuditEventSerializer

    fields = ", ".join(AuditEventSerializer.Meta.fields)
    where = "WHERE (at, id) < (%s, %s)" if position else ""
    statement = (
        f"SELECT json_agg(page)::text FROM (SELECT {fields} FROM audit_auditevent {where} "
        f"ORDER BY at DESC, id DESC LIMIT {LIMIT}) AS page"
    )

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with connection.cursor() as cursor:
            cursor.execute(statement, position)
            text: str = cursor.fetchone()[0]
        body = text.encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return application


def _environ(query: str, cookie: str) -> dict[str, Any]:
    from django.test import RequestFactory

    request = RequestFactory(headers={"accept": "application/json"}).get(f"/v1/audit-events?{query}")
    return {**request.environ, "HTTP_COOKIE": cookie, "SERVER_NAME": "localhost", "HTTP_HOST": "localhost"}


def _body(application: Application, environ: dict[str, Any]) -> bytes:
    statuses: list[str] = []
    answer = application(dict(environ), lambda status, headers, *_: statuses.append(status))
    try:
        body = b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close:
            close()
    assert statuses == ["200 OK"], (statuses, body[:300])
    return body


def _assert_same(ours: bytes, bare: bytes) -> None:
    """The same rows with the same fields, in the same order."""
    import orjson

    mine, theirs = orjson.loads(ours)["items"], orjson.loads(bare)
    assert len(mine) == len(theirs) == LIMIT
    for one, other in zip(mine, theirs, strict=True):
        assert one.keys() == other.keys()
        assert {**one, "at": None} == {**other, "at": None}


def _medians(*sides: tuple[Application, dict[str, Any]]) -> list[float]:
    """Taken in turns, so that a slow moment of the machine hits both sides."""
    times: list[list[float]] = [[] for _ in sides]
    for turn in range(WARM_UP + ROUNDS):
        for found, (application, environ) in zip(times, sides, strict=True):
            start = time.perf_counter()
            _body(application, environ)
            if turn >= WARM_UP:
                found.append(time.perf_counter() - start)
    return [statistics.median(found) for found in times]


if __name__ == "__main__":
    main()
