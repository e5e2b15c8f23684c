"""The life of a custom domain: proven by a record in DNS, routed, looked at each day, warned of, and cut at last.

waiting  nobody has proven that the host is its workspace's own; looked for with growing waits
proven   it has routes, and is looked at again each day
losing   the record is gone; it still has routes, for as long as GRACE
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext_noop
from django_q.conf import Conf
from psycopg.errors import UniqueViolation

from apps.audit.services import SYSTEM, record
from apps.core.clock import now
from apps.core.events import publish
from apps.core.lifecycle import Machine, Move, Retry, Stop, timeline
from apps.core.lifecycle.holding import while_held
from apps.core.lifecycle.timeline import Kind
from apps.core.turns import one_of
from apps.gateways.dns import Lead, Questions, Unanswered
from apps.gateways.hosts import challenge_of
from apps.gateways.lifecycle.machines import GATEWAY, reroute
from apps.gateways.mails import tell_cut, tell_missing
from apps.gateways.models import CustomDomain
from apps.gateways.selectors import hosts_of

Phase = CustomDomain.Phase
DAY = timedelta(days=1)
# So long it serves without its record
GRACE = timedelta(days=7)
# Nobody makes a record after that; it's tried again when somebody asks
PATIENCE = timedelta(days=14)
# A wait is a tenth of the time waited so far
SHARE_OF_WAIT = 0.1
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=1)
ONCE = "custom_domain_once"
MOST_SHOWN = 3
# Name servers of a stranger's choice may take all the time that questions have: gateways need workers meanwhile
AT_ONCE = max(1, Conf.WORKERS // 2)

OTHERS_FIRST = gettext_noop("Other domains are being looked at. It's this one's turn soon.")
NO_RECORD = gettext_noop("There is no TXT record at %(record)s. Wanted: '%(wanted)s'.")
OTHER_RECORD = gettext_noop("The TXT record at %(record)s is another one: found '%(found)s', wanted '%(wanted)s'.")
IN_USE = gettext_noop(
    "The record is right, but %(host)s is in use by another gateway. It's served here once it's removed there."
)
GIVEN_UP = gettext_noop("No such record was made at %(record)s for %(days)d days. Make it, then have it checked.")
PROVEN = gettext_noop("%(host)s is proven to be yours: it leads to %(stage)s.")
MISSING = gettext_noop("The record that proves %(host)s is gone. It's served until %(until)s (UTC).")
FOUND_AGAIN = gettext_noop("The record that proves %(host)s is there again.")
CUT = gettext_noop("%(host)s isn't served any more: its record was missing for %(days)d days.")


@dataclass(frozen=True)
class Seen:
    """What DNS said about one, and why it proves nothing; without a reason, it does."""

    because: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict)


def decide(row: CustomDomain) -> Move[CustomDomain] | None:
    match Phase(row.phase):
        case Phase.WAITING:
            return Move(Phase.PROVEN, step="record", act=prove, then=_next_day)
        case Phase.PROVEN if row.missing_at is not None:
            return Move(Phase.LOSING)
        case Phase.PROVEN if row.check_at is not None and row.check_at > now():
            return None
        case Phase.PROVEN:
            return Move(Phase.PROVEN, act=confirm)
        case Phase.LOSING if row.proven_at is None:
            return Move(Phase.WAITING, then=lambda row: {"missing_at": None, "check_at": None})
        case Phase.LOSING if row.missing_at is None:
            return Move(Phase.PROVEN, then=_next_day)
    return Move(Phase.LOSING, act=look_again)


def prove(row: CustomDomain) -> None:
    """The first that shows its record gets the host."""
    try:
        seen = _look(row)
    except Unanswered as nothing:
        raise Retry(nothing.because, after=_wait(row), **nothing.parts) from None
    if seen.because:
        if now() - row.checkpoint_at > PATIENCE:
            raise Stop(GIVEN_UP, record=challenge_of(row.host), days=PATIENCE.days)
        raise Retry(seen.because, after=_wait(row), **seen.parts)
    try:
        with while_held(row):
            if CustomDomain.objects.filter(pk=row.pk, proven_at=None).update(proven_at=now(), missing_at=None):
                _say(row, PROVEN, "gateway.domain_proven", stage=row.stage.name)
                reroute(row.gateway_id)
    except IntegrityError as error:
        if not (isinstance(error.__cause__, UniqueViolation) and error.__cause__.diag.constraint_name == ONCE):
            raise
        raise Retry(IN_USE, after=_wait(row), host=row.host) from None


def confirm(row: CustomDomain) -> None:
    """Once a day. Where DNS says nothing, nothing is lost."""
    try:
        seen = _look(row)
    except Unanswered as nothing:
        raise Retry(nothing.because, after=LONGEST_WAIT, **nothing.parts) from None
    with while_held(row):
        if not seen.because:
            CustomDomain.objects.filter(pk=row.pk).update(**_next_day(row))
            return
        moment = now()
        CustomDomain.objects.filter(pk=row.pk).update(missing_at=moment, check_at=None)
        _say(row, MISSING, "gateway.domain_missing", until=_told(moment + GRACE))
        tell_missing(row, until=moment + GRACE)


def look_again(row: CustomDomain) -> None:
    """Until the record is back, or its time is over."""
    assert row.missing_at is not None
    until = row.missing_at + GRACE
    try:
        seen = _look(row)
    except Unanswered as nothing:
        raise Retry(nothing.because, after=LONGEST_WAIT, **nothing.parts) from None
    if seen.because and now() < until:
        raise Retry(seen.because, after=min(LONGEST_WAIT, until - now()), **seen.parts)
    with while_held(row):
        if not seen.because:
            CustomDomain.objects.filter(pk=row.pk).update(missing_at=None)
            _say(row, FOUND_AGAIN)
            return
        CustomDomain.objects.filter(pk=row.pk).update(proven_at=None)
        _say(row, CUT, "gateway.domain_cut", days=GRACE.days)
        tell_cut(row)
        reroute(row.gateway_id)


def _look(row: CustomDomain) -> Seen:
    """And write down what was seen beside the record."""
    record_at = challenge_of(row.host)
    texts, lead = _ask(row)
    with while_held(row):
        seen = {"leads_here": lead.is_here, "leads_to": lead.to[:300]} if lead else {"leads_here": None}
        CustomDomain.objects.filter(pk=row.pk).update(checked_at=now(), **seen)
    if isinstance(texts, Unanswered):
        raise texts
    if row.token in texts:
        return Seen()
    if not texts:
        return Seen(NO_RECORD, {"record": record_at, "wanted": row.token})
    found = "', '".join(texts[:MOST_SHOWN])
    return Seen(OTHER_RECORD, {"record": record_at, "found": found, "wanted": row.token})


def _ask(row: CustomDomain) -> tuple[tuple[str, ...] | Unanswered, Lead | None]:
    """One of each workspace at a time, and never from all workers."""
    with one_of(1, f"domains of {row.tenant_id}") as is_first, one_of(AT_ONCE, "domains") as has_place:
        if not (is_first and has_place):
            # What is known of it stays said
            raise Retry(row.because or OTHERS_FIRST, after=_wait(row), **row.because_of)
        try:
            questions = Questions()
            return questions.texts(challenge_of(row.host)), _lead(questions, row)
        except Unanswered as nothing:
            return nothing, None


def _lead(questions: Questions, row: CustomDomain) -> Lead | None:
    """Said to people; nothing hangs on it."""
    try:
        return questions.lead(row.host, hosts_of(row.gateway, row.stage.name)[0])
    except Unanswered:
        return None


def _say(row: CustomDomain, because: str, verb: str = "", **parts: Any) -> None:
    """On the gateway's timeline, and for what is gained or lost in the audit log."""
    words = {"host": row.host, **parts}
    timeline.note(GATEWAY.name, row.gateway, Kind.NOTED, because=because, because_of=words)
    if verb:
        record(actor=SYSTEM, verb=verb, target=row.gateway, after={"stage": row.stage.name, **words})


def _next_day(row: CustomDomain) -> dict[str, Any]:
    return {"check_at": now() + DAY}


def _wait(row: CustomDomain) -> timedelta:
    return min(max((now() - row.checkpoint_at) * SHARE_OF_WAIT, SHORTEST_WAIT), LONGEST_WAIT)


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _changed(row: CustomDomain) -> None:
    publish(f"gateway:{row.gateway_id}", "moved", row.gateway_id, tenant_id=row.tenant_id)


CUSTOM_DOMAIN = Machine("custom_domain", CustomDomain, decide, _changed)
