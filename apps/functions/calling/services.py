"""Calling a function from the page or by the API: as somebody, who may, and it's written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core.errors import Conflict
from apps.functions.calling.asked import Answered, Asked, check_asked
from apps.functions.calling.drafts import put_draft
from apps.functions.calling.history import keep_call
from apps.functions.calling.invoking import MARGIN, invoke, line_to
from apps.functions.calling.limits import CALLS_AT_ONCE
from apps.functions.calling.problems import GatewayOutOfReach, TooManyRuns
from apps.functions.models import Call, Draft, Function
from apps.tenants.member import Member

_places = BoundedSemaphore(CALLS_AT_ONCE)


@dataclass(frozen=True)
class Called:
    """What came of a call, and the row that it's kept in."""

    answered: Answered
    call: Call


def call_function(*, actor: Member, function: Function, request: Asked, draft: Draft | None = None) -> Answered:
    """Call it as it's live, or somebody's draft of it. What the function answers, errors too, is no problem here."""
    return call_named(actor=actor, function=function, request=request, draft=draft).answered


def call_named(*, actor: Member, function: Function, request: Asked, draft: Draft | None = None) -> Called:
    """The same, with the row that it's kept in."""
    actor.require("functions.call", row=function, stage=function.stage)
    if draft is not None:
        # What isn't saved would run there all the same
        actor.require("functions.save", row=function, stage=function.stage)
    request = check_asked(request)
    if function.deleted_at is not None:
        raise Conflict(_("%(function)s is deleted. Restore it first.") % {"function": function})
    gateway = function.gateway
    # Before a draft is compiled
    line_to(gateway, function.stage)
    with _place():
        name = put_draft(draft) if draft is not None else function.name
        answered = invoke(
            gateway,
            name=name,
            kind="call" if draft is None else "draft",
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            body=request.body,
            within=function.timeout_ms / 1000 + MARGIN,
            pattern="" if draft is None else function.base_name,
        )
    if answered.error == GatewayOutOfReach.slug:
        raise GatewayOutOfReach
    return Called(answered, _write_down(actor, function, request, answered, is_draft=draft is not None))


@transaction.atomic
def _write_down(actor: Member, function: Function, request: Asked, answered: Answered, *, is_draft: bool) -> Call:
    call = keep_call(actor=actor, function=function, asked=request, answered=answered, is_draft=is_draft)
    after = {
        "method": request.method,
        "path": request.path,
        "status": answered.status,
        "draft": is_draft,
        "request_id": answered.request_id,
    }
    record(actor=actor, verb="function.called", target=function, after=after)
    return call


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise TooManyRuns(headers={"Retry-After": "2"})
    try:
        yield
    finally:
        _places.release()
