"""Writing an event, in the caller's transaction."""

import re

from django.db import connection

from apps.core.events.topics import require_topic

CHANNEL = "imp_events"
_KIND = re.compile(r"[a-z][a-z0-9-]{0,39}")

# The notification only wakes the hubs, which then read the table. Its payload is the topic, so that Postgres
# sends a hundred events on one topic in one transaction as a single notification.
PUBLISH = f"""
WITH event AS (INSERT INTO core_event (topic, kind, ref) VALUES (%s, %s, %s) RETURNING topic)
SELECT pg_notify('{CHANNEL}', topic) FROM event
"""  # noqa: S608


def publish(topic: str, kind: str, ref: str = "") -> None:
    """Tell every page that listens to `topic`, once and only if the caller's transaction commits.

    `kind` is a short verb in the past tense such as `acked`; `ref` an id that helps the page to tell events apart.
    Neither may hold anything that a listener of the topic mustn't see.
    """
    require_topic(topic)
    if not _KIND.fullmatch(kind):
        raise ValueError(f"{kind!r} can't be an event's kind; use lower-case letters, digits and hyphens.")
    with connection.cursor() as cursor:
        cursor.execute(PUBLISH, [topic, kind, ref])
