"""Calling a function from the page or by the API: as somebody, who may, and it's written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore

from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core import context
from apps.core.errors import Conflict
from apps.core.walls import walled
from apps.functions.calling.asked import Answered, Asked, check_asked
from apps.functions.calling.drafts import compile_draft
from apps.functions.calling.history import keep_call
from apps.functions.calling.invoking import MARGIN, invoke, line_to
from apps.functions.calling.limits import CALLS_AT_ONCE
from apps.functions.calling.problems import GatewayOutOfReach, TooManyRuns
from apps.functions.compiling import Compiled
from apps.functions.models import Call, Draft, Function
from apps.functions.publishing import publish_draft
from apps.functions.services.locking import SAVE
from apps.tenants.member import Member

_places = BoundedSemaphore(CALLS_AT_ONCE)


@dataclass(frozen=True)
class Called:
    """What came of a call, and the row that it's kept in."""

    answered: Answered
    call: Call


@dataclass(frozen=True)
class Begun:
    """A call that may be made, and hasn't been."""

    actor: Member
    function: Function
    request: Asked
    request_id: str
    draft: Draft | None
    # The draft's; of what is live, None
    compiled: Compiled | None


def begin_call(request: Asked, *, actor: Member, function: Function, draft: Draft | None = None) -> Begun:
    """Whether it may be made, and can: as it's live, or somebody's draft of it. Nothing is called yet."""
    actor.require("functions.call", row=function, stage=function.stage)
    if draft is not None:
        # What isn't saved would run there all the same
        actor.require(SAVE, row=function, stage=function.stage)
    request = check_asked(request)
    if function.deleted_at is not None:
        raise Conflict(_("%(function)s is deleted. Restore it first.") % {"function": function})
    # Before a draft is compiled
    line_to(function.gateway, function.stage)
    compiled = compile_draft(draft) if draft is not None else None
    return Begun(actor, function, request, context.new_request_id(), draft, compiled)


def finish_call(begun: Begun) -> Called:
    """Make it. What the function answers, errors too, is no problem here.

    In no transaction: a function may take minutes, for which nothing of the database is to be held.
    """
    actor, function, request = begun.actor, begun.function, begun.request
    is_draft = begun.draft is not None
    with _place():
        name = function.name
        if begun.draft is not None and begun.compiled is not None:
            name = publish_draft(begun.draft, begun.compiled)
        answered = invoke(
            function.gateway,
            name=name,
            kind="draft" if is_draft else "call",
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            body=request.body,
            within=function.timeout_ms / 1000 + MARGIN,
            request_id=begun.request_id,
        )
    if answered.error == GatewayOutOfReach.slug:
        raise GatewayOutOfReach
    # Of what ends this process meanwhile, the function's own log knows alone
    with walled(actor.tenant.pk):
        return Called(answered, _write_down(actor, function, request, answered, is_draft=is_draft))


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
