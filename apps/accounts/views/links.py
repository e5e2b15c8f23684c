"""Where mailed links lead, and the page for one that leads nowhere any more.

A link's token is looked at once and then left behind: from here on the session knows which link was opened, so it's in
no further address, no history entry of the forms, and nothing that a page loads learns it.
"""

from email.utils import parseaddr

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import MailedLink
from apps.accounts.problems import LinkEnded
from apps.accounts.selectors import can_send_again
from apps.accounts.services.links import Kind, find_link, hours_of, seconds_to_wait
from apps.accounts.services.resend import send_link_again
from apps.core.errors import TooManyRequests
from apps.core.web import htmx

# In the session: the link that was opened, and the one that was asked for last
OPENED = "mailed_link_opened"
SENT = "mailed_link_sent"
PAGE_OF = {Kind.SIGN_UP: "account_signup_confirm", Kind.PASSWORD: "account_reset", Kind.EMAIL: "account_email_confirm"}
SENT_PAGE_OF = {Kind.SIGN_UP: "account_signup_sent", Kind.PASSWORD: "account_forgot_sent", Kind.EMAIL: "account"}


@require_safe
@never_cache
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Using it takes a press of a button: programs that look into mails open every link in them."""
    link = find_link(token)
    if link is None:
        # Not what became of another link that was opened before
        request.session.pop(OPENED, None)
        return show_ended(request)
    request.session[OPENED] = link.pk
    return HttpResponseRedirect(reverse(PAGE_OF[Kind(link.kind)]))


@require_POST
def send_again(request: HttpRequest) -> HttpResponse:
    """From the page that says where the link went, and from the one that says that it ended."""
    name = SENT if request.POST.get("which") == "sent" else OPENED
    link = _link_of(request, name)
    try:
        if link is None:
            raise LinkEnded
        link = send_link_again(actor=request.user, link=link)
    except LinkEnded:
        return show_ended(request)
    except TooManyRequests as problem:
        if name == OPENED:
            raise
        assert link is not None
        return show_sent(request, link, refusal=problem)
    request.session[SENT] = link.pk
    htmx.later_toast(request, title=_("Sent again"), text=_("Look for the newest mail."))
    return HttpResponseRedirect(reverse(SENT_PAGE_OF[Kind(link.kind)]))


class Sent(View):
    """Where the link went. It says the same whether or not the address has an account."""

    kind = Kind.SIGN_UP

    @method_decorator(never_cache)
    def get(self, request: HttpRequest) -> HttpResponse:
        link = _link_of(request, SENT)
        if link is None or link.kind != self.kind:
            return HttpResponseRedirect(reverse("account_login"))
        return show_sent(request, link)


def show_sent(request: HttpRequest, link: MailedLink, *, refusal: TooManyRequests | None = None) -> HttpResponse:
    context = {
        "link": link,
        "hours": hours_of(link.kind),
        "wait": seconds_to_wait(link),
        "sender": parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        "refusal": refusal,
        "mails_url": reverse("mails") if settings.DEBUG else "",
        "change_url": reverse("account_signup" if link.kind == Kind.SIGN_UP else "account_forgot"),
    }
    return render(request, "accounts/sent.html", context, status=refusal.status if refusal else 200)


def show_ended(request: HttpRequest) -> HttpResponse:
    """410 of any mailed link. The link itself isn't shown, only what became of it."""
    link = _link_of(request, OPENED)
    context = {
        "link": link,
        "can_send_again": link is not None and can_send_again(actor=request.user, link=link),
        "is_account_there": link is not None and link.kind == Kind.SIGN_UP and link.used_at is not None,
    }
    return render(request, "accounts/link_ended.html", context, status=LinkEnded.status)


def _link_of(request: HttpRequest, name: str) -> MailedLink | None:
    link_id = request.session.get(name, "")
    return MailedLink.objects.select_related("person", "sign_up").filter(pk=link_id).first() if link_id else None
