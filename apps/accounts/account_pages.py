"""One's own account: its page, made of sections, and the forms that stand on it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from allauth.account import views as account_views
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views import View

from apps.accounts import leaving_pages, selectors, services, session_pages
from apps.accounts.emails import pending_change
from apps.accounts.forms import PasswordForm, PreferencesForm
from apps.accounts.passwords import settle_new_password
from apps.accounts.requests import person_of
from apps.accounts.sections import Section, all_sections, context_of_all, register_section
from apps.accounts.sessions import store_of
from apps.accounts.zones import zones_by_area
from apps.core.errors import InvalidInput, StaleVersion
from apps.core.web import htmx
from apps.core.web.forms import add_errors


class Account(LoginRequiredMixin, View):
    """What it is called, how it signs in, how the console looks."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return show_account(request)


def show_account(request: HttpRequest, *, status: int = 200, **refused: Any) -> HttpResponse:
    """The page; with the form that was refused in its place, where there is one."""
    context = {**context_of_all(request), "sections": all_sections(), **refused}
    return htmx.vary(render(request, "accounts/index.html", context, status=status))


class ChangePassword(LoginRequiredMixin, account_views.PasswordChangeView):
    """Its form stands on the account's page, so that is where a refusal shows it again."""

    form_class = PasswordForm

    def dispatch(self, request: HttpRequest, *arguments: Any, **names: Any) -> HttpResponseBase:
        """Who comes in by a provider has none to change; allauth would send them to a page that there isn't."""
        if request.user.is_authenticated and not request.user.has_usable_password():
            return HttpResponseRedirect(reverse("account_forgot"))
        response: HttpResponseBase = super().dispatch(request, *arguments, **names)
        return response

    def get(self, request: HttpRequest, *arguments: Any, **names: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("account") + "#password")

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            keep = store_of(self.request).row
            settle_new_password(person_of(self.request), verb="account.password_changed", keep=keep)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return show_account(self.request, status=HTTPStatus.UNPROCESSABLE_ENTITY, password_form=form)


class ChangePreferences(LoginRequiredMixin, View):
    """Name, language, time zone and theme. The page saves all but the name as they are chosen."""

    def post(self, request: HttpRequest) -> HttpResponse:
        user = person_of(request)
        form = PreferencesForm(request.POST)
        try:
            if not form.is_valid():
                raise InvalidInput(fields={name: [str(text) for text in texts] for name, texts in form.errors.items()})
            user = services.change_preferences(actor=user, user=user, **form.given())
        except InvalidInput as problem:
            add_errors(form, problem)
            return show_account(request, status=problem.status, preferences=form)
        except StaleVersion as problem:
            return show_account(request, status=problem.status, conflict=problem)
        with translation.override(user.language):
            htmx.later_toast(request, title=_("Saved"))
        return htmx.redirect(request, reverse("account"))


# --- The sections of this app ----------------------------------------------------------------------


def _preferences(request: HttpRequest) -> Mapping[str, Any]:
    return {
        "preferences": PreferencesForm(initial=selectors.preferences_of(person_of(request))),
        "time_zones": zones_by_area(),
    }


def _profile(request: HttpRequest) -> Mapping[str, Any]:
    return {**_preferences(request), "pending_email": pending_change(person_of(request))}


def _password(request: HttpRequest) -> Mapping[str, Any]:
    user = person_of(request)
    return {"password_form": PasswordForm(user), "password_changed_at": selectors.password_changed_at(user)}


def _second_factor(request: HttpRequest) -> Mapping[str, Any]:
    return {"second_factor": selectors.second_factor_of(person_of(request))}


def register_own_sections() -> None:
    for key, title, icon, context_of, place in (
        ("profile", gettext_lazy("Profile"), "user", _profile, 10),
        ("password", gettext_lazy("Password"), "lock", _password, 20),
        ("second-factor", gettext_lazy("Second factor"), "shield", _second_factor, 30),
        ("sessions", gettext_lazy("Sessions"), "globe", session_pages.context_of, 40),
        ("preferences", gettext_lazy("Language, time and theme"), "gear", _preferences, 80),
        ("leave", pgettext_lazy("one's account", "Leave"), "external", leaving_pages.context_of, 90),
    ):
        template = f"accounts/sections/_{key.replace('-', '_')}.html"
        register_section(Section(key, title, icon, template, context_of, place))
