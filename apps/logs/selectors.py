"""What functions wrote, for those who may read it."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import psycopg
from django.core import signing
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway
from apps.gateways.store import Away, connect
from apps.logs import reading
from apps.logs.lines import LogFilter, LogLine
from apps.logs.models import KEEP_DAYS, KEEP_MEGABYTES, LogRetention
from apps.logs.problems import SearchTookTooLong
from apps.tenants.member import Member
from apps.tenants.models import Membership

DEFAULT_LIMIT, LARGEST_LIMIT = 200, 1_000
# Warnings and errors of a gateway's first page: it's asked for often, so it doesn't look for long
MOST_WARNED, COUNTED_AMONG, WARNED_WITHIN_MS = 8, 1_000, 1_500
MOST_DOWNLOADED = 100_000
LONGEST_CURSOR = 400
OLDER, NEWER = "o", "n"
MOST_NAMES = 500
# Functions that are there, as their gateway's own database has them: without their stage
NAMES = """
SELECT DISTINCT substr(name, strpos(name, '/') + 1) FROM imp.functions
WHERE NOT is_deleted AND expires_at IS NULL ORDER BY 1 LIMIT %s
"""


@dataclass(frozen=True)
class LogPage:
    """By time, the newest last. A cursor is None where nothing lies in that direction."""

    lines: list[LogLine]
    older: str | None
    newer: str | None
    snapshot: str

    @property
    def dropped(self) -> int:
        """How many lines a limit kept out among these."""
        return sum(line.dropped for line in self.lines)


def read_logs(
    *,
    actor: Member,
    gateway: FunctionGateway,
    wanted: LogFilter,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> LogPage:
    """The newest lines, or those on either side of a page that was read before. Away: nobody can be asked."""
    actor.require("functions.read", row=gateway)
    signer = signing.Signer(sep=".", salt=f"logs:{gateway.pk}")
    direction, position = _read_cursor(cursor, signer) if cursor else ("", None)
    before = position if direction == OLDER else None
    after = position if direction == NEWER else None
    with connect(gateway.pk) as connection:
        try:
            found = reading.read_lines(connection, wanted, before=before, after=after, limit=limit)
        except reading.TookTooLong:
            raise SearchTookTooLong from None
    lines = found.lines
    return LogPage(
        lines,
        older=_cursor(signer, OLDER, lines[0]) if lines and found.has_older else None,
        newer=_cursor(signer, NEWER, lines[-1]) if lines and found.has_newer else None,
        snapshot=found.snapshot,
    )


def read_warned(*, actor: Member, gateway: FunctionGateway, since: datetime) -> reading.Warned:
    """What went wrong since then, the newest first. Away: nobody can be asked."""
    actor.require("functions.read", row=gateway)
    with connect(gateway.pk) as connection:
        try:
            return reading.read_warned(
                connection, since=since, limit=MOST_WARNED, among=COUNTED_AMONG, within_ms=WARNED_WITHIN_MS
            )
        except reading.TookTooLong:
            raise SearchTookTooLong from None


def download_logs(*, actor: Member, gateway: FunctionGateway, wanted: LogFilter) -> Iterator[LogLine]:
    """All that is found, the newest first, as far as a download goes; the refusal comes before the first line."""
    actor.require("functions.read", row=gateway)
    with connect(gateway.pk):
        # Whoever can't be reached says so while the answer can still be an error
        pass
    return _downloaded(gateway.pk, wanted)


def logs_of_call(gateway: FunctionGateway, request_id: str) -> list[LogLine]:
    """Everything that one call wrote, by time. Whoever calls this has asked who may."""
    with connect(gateway.pk) as connection:
        return reading.read_call(connection, request_id)


def names_of_writers(gateway: FunctionGateway) -> list[str]:
    """Whose lines one may look for; none where they can't be asked for. Whoever calls this has asked who may."""
    try:
        with connect(gateway.pk) as connection:
            return [name for (name,) in connection.execute(NAMES, [MOST_NAMES]).fetchall()]
    except (Away, psycopg.Error):
        return []


def retention_of(*, actor: Member, gateway: FunctionGateway) -> LogRetention:
    """As it is for all, where nobody has changed it."""
    actor.require("functions.read", row=gateway)
    found = LogRetention.objects.of(actor.tenant).filter(gateway=gateway).first()
    return found or LogRetention(tenant_id=gateway.tenant_id, gateway=gateway, days=KEEP_DAYS, megabytes=KEEP_MEGABYTES)


def can_follow(person: Any, ref: str) -> bool:
    """The topic `logs:<gateway>`: those who may read what its functions write."""
    return bool(ref) and tenant_of_follower(person, ref) is not None


def tenant_of_follower(person: Any, gateway_id: str, scopes: frozenset[str] | None = None) -> str | None:
    """The workspace in which somebody may read this gateway's log."""
    if not person.is_authenticated:
        return None
    rows = FunctionGateway.objects.exclude(phase=Phase.DELETED).filter(pk=gateway_id)
    tenant_id = rows.values_list("tenant_id", flat=True).first()
    membership = Membership.objects.filter(person=person, tenant_id=tenant_id).select_related("tenant").first()
    if membership is None or not Member.of(membership, scopes=scopes).may("functions.read"):
        return None
    return str(tenant_id)


def _downloaded(gateway_id: str, wanted: LogFilter) -> Iterator[LogLine]:
    with connect(gateway_id) as connection:
        yield from reading.read_on(connection, wanted, most=MOST_DOWNLOADED)


def _cursor(signer: signing.Signer, direction: str, line: LogLine) -> str:
    text = base64.urlsafe_b64encode(orjson.dumps([direction, line.at.isoformat(), line.id])).decode().rstrip("=")
    return signer.sign(text)


def _read_cursor(cursor: str, signer: signing.Signer) -> tuple[str, reading.Position]:
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError("longer than any that is given out")
        text = signer.unsign(cursor)
        direction, at, pk = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return direction, (datetime.fromisoformat(at), int(pk))
    except (signing.BadSignature, ValueError) as error:
        message = _("This cursor isn't one of this log. Start again without it.")
        raise InvalidInput(fields={"?cursor": [message]}) from error
