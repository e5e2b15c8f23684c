from typing import Any

from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views import View
from django.views.decorators.cache import never_cache

from apps.access import selectors, services
from apps.access.forms import TokenForm
from apps.access.models import AccessToken
from apps.accounts.requests import person_of
from apps.accounts.sessions.confirmation import NeedsConfirmation
from apps.core import clock
from apps.core.web import htmx
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.tenants.requests import memberships_at_hand


class TokenList(LoginRequiredMixin, View):
    """The same list as on the account's page; alone, for the address in mails and for the part that HTMX fetches."""

    def get(self, request: HttpRequest) -> HttpResponse:
        is_part = htmx.target(request) == "tokens"
        template = "access/_tokens.html" if is_part else "access/list.html"
        response = render(request, template, context_of(request))
        response["Cache-Control"] = "private, no-cache"
        return htmx.vary(response)


@method_decorator(never_cache, name="dispatch")
class NewToken(NeedsConfirmation, FormView):
    """Asks who it is first, as a token outlives the session of whoever makes it."""

    template_name = "access/new.html"
    title = gettext_lazy("New access token")
    lead = gettext_lazy("It acts as you, within what you allow here. If your role shrinks, so does the token.")
    submit_label = gettext_lazy("Create token")
    back_label = gettext_lazy("Access tokens")

    def get_back_url(self) -> str:
        return reverse("access:list")

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        # What was typed before the workspace was changed
        typed = self.request.GET
        kept: dict[str, Any] = {name: typed[name] for name in ("name", "tenant", "expires_at") if name in typed}
        if "scopes" in typed:
            kept["scopes"] = typed.getlist("scopes")
        return TokenForm(data, initial=kept, memberships=memberships_at_hand(self.request))

    def save(self, form: forms.BaseForm) -> Done:
        assert isinstance(form, TokenForm)
        self.made = services.create_token(actor=person_of(self.request), **form.wanted())
        return Done(title=_("Token made"))

    def succeed(self, done: Done) -> HttpResponse:
        """The text, in this one answer; a reload asks for another token."""
        template = "access/made.html" if htmx.target(self.request) == "dialog" else "access/made_page.html"
        context = {"token": self.made, "facts": facts_of(self.made), "back_url": self.get_back_url()}
        return htmx.vary(htmx.trigger(render(self.request, template, context), "tokens"))


class RevokeToken(ConfirmView):
    lead = gettext_lazy("Whatever uses it is refused from the next request on. A revoked token can't be brought back.")
    submit_label = gettext_lazy("Revoke token")
    back_label = gettext_lazy("Access tokens")

    def get_back_url(self) -> str:
        return reverse("access:list")

    def get_context(self) -> dict[str, Any]:
        return {**super().get_context(), "title": _("Revoke %(token)s?") % {"token": self._token()}}

    def get_touches(self) -> list[Touch]:
        return facts_of(self._token(), with_use=True)

    def run(self) -> Done:
        token = services.revoke_token(actor=person_of(self.request), token=self._token())
        return Done(title=_("%(token)s revoked") % {"token": token}, events={"tokens": {}})

    def _token(self) -> AccessToken:
        return selectors.get_token(actor=person_of(self.request), pk=self.kwargs["pk"])


class RemoveToken(LoginRequiredMixin, View):
    """Takes one that has ended off the list."""

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        person = person_of(request)
        token = selectors.get_token(actor=person, pk=pk)
        services.remove_token(actor=person, token=token)
        title = _("%(token)s taken off the list") % {"token": token}
        if not htmx.is_partial(request):
            htmx.later_toast(request, title=title)
            return htmx.redirect(request, reverse("access:list"))
        response = render(request, "access/_tokens.html", context_of(request))
        return htmx.vary(htmx.toast(response, title=title))


def context_of(request: HttpRequest) -> dict[str, Any]:
    """What the section of the account's page shows."""
    return {
        "tokens": selectors.tokens_to_show(actor=person_of(request)),
        "tokens_end_soon_at": clock.now() + selectors.ENDS_SOON,
    }


def facts_of(token: AccessToken, *, with_use: bool = False) -> list[Touch]:
    """What a token is, for before it's revoked and after it was made."""
    may = _("All I may") if token.may_everything else ", ".join(token.shown_scopes)
    found = [
        Touch(_("Name"), token.name),
        Touch(_("Begins with"), token.shown_start, is_code=True),
        Touch(_("Workspace"), token.tenant or _("Every one of mine")),
        Touch(pgettext("what a token may", "May"), may, is_code=not token.may_everything),
    ]
    if with_use:
        used = _("Not yet")
        if token.last_used_at:
            used = _("%(when)s, from %(address)s") % {
                "when": date_format(localtime(token.last_used_at), "DATETIME_FORMAT"),
                "address": token.last_used_address,
            }
        found.append(Touch(_("Last used"), used))
    return [*found, Touch(_("Ends"), date_format(localtime(token.expires_at), pgettext("date", "j M Y")))]
