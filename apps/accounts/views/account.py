"""One's own account: its page, made of sections."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views import View

from apps.accounts import selectors
from apps.accounts.forms import PasswordForm, PreferencesForm
from apps.accounts.requests import person_of
from apps.accounts.sections import Section, all_sections, context_of_all, register_section
from apps.accounts.views import leaving, sessions
from apps.accounts.zones import zones_by_area
from apps.core.web import htmx


class Account(LoginRequiredMixin, View):
    """What it is called, how it signs in, how the console looks."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return show_account(request)


def show_account(request: HttpRequest, *, status: int = 200, **refused: Any) -> HttpResponse:
    """The page; with the form that was refused in its place, where there is one."""
    context = {**context_of_all(request), "sections": all_sections(), **refused}
    return htmx.vary(render(request, "accounts/index.html", context, status=status))


def _preferences(request: HttpRequest) -> Mapping[str, Any]:
    return {
        "preferences": PreferencesForm(initial=selectors.preferences_of(person_of(request))),
        "time_zones": zones_by_area(),
    }


def _profile(request: HttpRequest) -> Mapping[str, Any]:
    return {**_preferences(request), "pending_email": selectors.pending_change(person_of(request))}


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
        ("sessions", gettext_lazy("Sessions"), "globe", sessions.context_of, 40),
        ("preferences", gettext_lazy("Language, time and theme"), "gear", _preferences, 80),
        ("leave", pgettext_lazy("one's account", "Leave"), "external", leaving.context_of, 90),
    ):
        template = f"accounts/sections/_{key.replace('-', '_')}.html"
        register_section(Section(key, title, icon, template, context_of, place))
