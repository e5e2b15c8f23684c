"""Every mail with its links, for whoever develops on this machine. Anywhere else these pages don't exist."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.core.listing import paginate
from apps.core.mail.html import linked
from apps.core.mail.models import OutgoingMail
from apps.core.mail.selectors import list_mails
from apps.core.web import htmx

View = Callable[..., HttpResponse]

# In the address of a refresh: what the page shows already
KNOWN = "known"

TONES = {
    OutgoingMail.State.QUEUED: "busy",
    OutgoingMail.State.SENT: "ok",
    OutgoingMail.State.KEPT: "idle",
    OutgoingMail.State.FAILED: "bad",
}


def in_development(view: View) -> View:
    """Also for somebody not signed in, who signs up or has forgotten a password."""

    @wraps(view)
    def outer(request: HttpRequest, *arguments: Any, **names: Any) -> HttpResponse:
        if not settings.DEBUG:
            raise Http404
        return view(request, *arguments, **names)

    return outer


@in_development
@never_cache
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """The newest first, live, with their texts."""
    q = request.GET.get("q", "").strip()
    page = paginate(list_mails(to=q), order=["-created_at"], cursor=request.GET.get("cursor"), limit=20)
    known = ".".join([*(each.pk for each in page.items[:1]), "".join(each.state[0] for each in page.items)])
    if request.GET.get(KNOWN) == known:
        # What is shown is what there is: a row that somebody opened stays open
        return HttpResponse(status=204)
    context = {
        "mails": [_shown(each) for each in page.items],
        "q": q,
        "next_url": _url(request, cursor=page.next_cursor) if page.next_cursor else "",
        "previous_url": _url(request, cursor=page.previous_cursor) if page.previous_cursor else "",
        "is_kept": settings.EMAIL_BACKEND.endswith("KeepingBackend"),
        "refresh_url": _url(request, **{KNOWN: known}),
    }
    template = "mails/list.html#list" if htmx.is_partial(request) else "mails/list.html"
    return htmx.vary(render(request, template, context))


@in_development
@never_cache
@require_safe
def mail(request: HttpRequest, mail_id: str) -> HttpResponse:
    found = OutgoingMail.objects.filter(pk=mail_id).first()
    if found is None:
        raise Http404
    return render(request, "mails/detail.html", {"mail": _shown(found)})


def _shown(mail: OutgoingMail) -> dict[str, Any]:
    return {"row": mail, "text": linked(mail.text.reveal()), "tone": TONES[OutgoingMail.State(mail.state)]}


def _url(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    query.pop(KNOWN, None)
    for name, value in changes.items():
        query[name] = value
    return f"{request.path}?{query.urlencode()}"
