"""Writing an event, in the caller's transaction."""

import re

from django.db import connection

from apps.core.events.topics import require_topic, tenant_in
from apps.core.walls import current_wall

CHANNEL = "imp_events"
_KIND = re.compile(r"[a-z][a-z0-9-]{0,39}")

# The notification only wakes the hubs, which then read the table. Its payload is the topic, so that Postgres
# sends a hundred events on one topic in one transaction as a single notification.
PUBLISH = f"""
WITH event AS (INSERT INTO core_event (topic, kind, ref, tenant_id) VALUES (%(topic)s, %(kind)s, %(ref)s, %(tenant)s))
SELECT pg_notify('{CHANNEL}', %(topic)s)
"""  # noqa: S608


def publish(topic: str, kind: str, ref: str = "", *, tenant_id: str | None = None) -> None:
    """Tell every page that listens to `topic`, once and only if the caller's transaction commits.

    `kind` is a short verb in the past tense such as `acked`; `ref` an id that helps the page to tell events apart.
    Neither may hold anything that a listener of the topic mustn't see. The event stays in its tenant: that whose wall
    the caller is inside of, or which the topic names. An empty `tenant_id` lets it out to all who hear the topic.
    """
    require_topic(topic)
    if not _KIND.fullmatch(kind):
        raise ValueError(f"{kind!r} can't be an event's kind; use lower-case letters, digits and hyphens.")
    with connection.cursor() as cursor:
        tenant = (current_wall() or tenant_in(topic)) if tenant_id is None else tenant_id
        cursor.execute(PUBLISH, {"topic": topic, "kind": kind, "ref": ref, "tenant": tenant})
