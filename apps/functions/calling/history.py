"""The calls that somebody made from the page or by the API, kept to look at and to make again."""

import base64
from typing import Any

from django.db.models import QuerySet

from apps.functions.calling.asked import Answered, Asked
from apps.functions.models import Call, Function
from apps.tenants.member import Member

KEPT = 20
# Of a body, either way
LARGEST_KEPT = 64 * 1024
LONGEST_ERROR = 300
SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "apikey", "x-api-key"})


def list_calls(*, actor: Member, function: Function) -> "QuerySet[Call]":
    """One's own, the newest first: what others sent may be none of one's business."""
    actor.require("functions.read", row=function)
    return Call.objects.of(actor.tenant).filter(function=function, person=actor.person).order_by("-at", "-id")


def keep_call(*, actor: Member, function: Function, asked: Asked, answered: Answered, is_draft: bool) -> Call:
    """Of each person and function, the newest stay."""
    call: Call = Call.objects.create(
        tenant=actor.tenant,
        function=function,
        person=actor.person,
        is_draft=is_draft,
        request=_of_asked(asked),
        answer=_of_answered(answered) if answered.status else None,
        error=answered.detail[:LONGEST_ERROR],
        request_id=answered.request_id,
    )
    mine = Call.objects.of(actor.tenant).filter(function=function, person=actor.person)
    newest = mine.order_by("-at", "-id").values("pk")[:KEPT]
    mine.exclude(pk__in=newest).delete()
    return call


def shown_body(content: bytes, *, limit: int | None = None) -> dict[str, Any]:
    """Text as text, everything else in base64; with a limit, not more than that of it."""
    cut = content[:limit] if limit is not None else content
    try:
        text = cut.decode()
        is_binary = "\0" in text
    except UnicodeDecodeError as error:
        # Cut in the middle of a character it's text all the same
        is_binary = not (len(cut) < len(content) and error.start >= len(cut) - 3)
        text = cut[: error.start].decode()
    return {
        "body": base64.b64encode(cut).decode() if is_binary else text,
        "is_binary": is_binary,
        "is_cut": len(cut) < len(content),
    }


def _of_asked(asked: Asked) -> dict[str, Any]:
    return {
        "method": asked.method,
        "path": asked.path,
        "query": asked.query,
        "headers": [[name, _kept(name, value)] for name, value in asked.headers],
        **shown_body(asked.body, limit=LARGEST_KEPT),
    }


def _of_answered(answered: Answered) -> dict[str, Any]:
    body = shown_body(answered.body, limit=LARGEST_KEPT)
    return {
        "status": answered.status,
        "headers": [[name, _kept(name, value)] for name, value in answered.headers],
        **body,
        "is_cut": answered.is_cut or body["is_cut"],
        "ms": round(answered.ms, 1),
    }


def _kept(name: str, value: str) -> str:
    """Credentials aren't kept; what a database can't hold isn't either."""
    return "•••" if name.lower() in SECRET_HEADERS else value.replace("\0", "")
