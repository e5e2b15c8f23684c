"""Where one is signed in: the list on the account's page, and the dialogs that end sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import View

from apps.accounts import services
from apps.accounts.models import Session
from apps.accounts.requests import person_of
from apps.accounts.selectors import list_sessions
from apps.accounts.sessions.confirmation import NeedsConfirmation
from apps.accounts.sessions.store import store_of
from apps.core.errors import NotFound
from apps.core.templatetags.imp import relative
from apps.core.web import htmx
from apps.core.web.forms import ConfirmView, Done, Touch

TEMPLATE = "accounts/sections/_sessions.html"


@dataclass(frozen=True)
class Line:
    session: Session
    is_current: bool


class Sessions(LoginRequiredMixin, View):
    """The section alone, which asks for itself when a session begins or ends."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if not htmx.is_partial(request):
            return HttpResponseRedirect(reverse("account") + "#sessions")
        return htmx.vary(render(request, TEMPLATE, context_of(request)))


def context_of(request: HttpRequest) -> Mapping[str, Any]:
    """The one at hand first, then as they were used."""
    current = store_of(request).row
    found = list_sessions(actor=person_of(request)).order_by("-last_seen_at", "-id")
    lines = [Line(session, current is not None and session.pk == current.pk) for session in found]
    lines.sort(key=lambda line: not line.is_current)
    return {"sessions": lines, "other_sessions": sum(not line.is_current for line in lines)}


class _EndSessions(ConfirmView):
    def get_back_url(self) -> str:
        return reverse("account") + "#sessions"


class RevokeSession(_EndSessions):
    submit_label = gettext_lazy("Revoke session")

    def get_session(self) -> Session:
        found = list_sessions(actor=person_of(self.request)).filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise NotFound(_("This session has ended already."))
        return found

    def get_context(self) -> dict[str, Any]:
        title = _("Revoke %(session)s?") % {"session": self.get_session()}
        return {**super().get_context(), "title": title, "lead": _("Whoever uses it is asked to sign in.")}

    def get_touches(self) -> list[Touch]:
        session = self.get_session()
        return [
            Touch(_("Address"), session.address or "–", is_code=True),
            Touch(_("Since"), relative(session.signed_in_at)),
            Touch(_("Last seen"), relative(session.last_seen_at)),
        ]

    def run(self) -> Done:
        session = self.get_session()
        services.revoke_session(actor=person_of(self.request), session=session)
        return Done(title=_("Session revoked"), text=str(session))


class RevokeOthers(NeedsConfirmation, _EndSessions):
    title = gettext_lazy("Sign out everywhere else?")
    submit_label = gettext_lazy("Sign out the others")

    def get_touches(self) -> list[Touch]:
        lines = context_of(self.request)["sessions"]
        others = [line.session for line in lines if not line.is_current]
        return [Touch(str(session), session.address or "–", is_code=True) for session in others]

    def get_context(self) -> dict[str, Any]:
        return {**super().get_context(), "lead": _("Each is asked to sign in again. Access tokens stay.")}

    def run(self) -> Done:
        ended = services.revoke_other_sessions(actor=person_of(self.request), keep=store_of(self.request).row)
        text = ngettext("%(count)d session ended", "%(count)d sessions ended", ended) % {"count": ended}
        return Done(title=_("Signed out everywhere else"), text=text)


class Alive(LoginRequiredMixin, View):
    """What an open page asks when a session of its person has ended: whoever has none now is sent to the sign-in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=204)
