"""What several of these pages are made of."""

from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import Any

from allauth.core.ratelimit import consume
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from apps.accounts.problems import LinkEnded
from apps.accounts.views.links import show_ended
from apps.core.errors import InvalidInput, TooManyRequests
from apps.core.web.forms import add_errors


class RefusesWith422:
    """A form that is refused comes back with its status: 422, or 429 after too many tries."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        codes = {error.code for errors in form.errors.as_data().values() for error in errors}
        waiting = codes & {"too_many_login_attempts", "rate_limited"}
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS if waiting else HTTPStatus.UNPROCESSABLE_ENTITY
        return response


class SoloForm(View, ABC):
    """A form on a page of its own, for people who aren't signed in. A refusal shows it again with what was typed."""

    form_class: type[forms.Form]
    template_name: str
    # Of ACCOUNT_RATE_LIMITS: how often one place, or for one address, may send it
    limit = ""

    @method_decorator([never_cache, sensitive_post_parameters()])
    def dispatch(self, request: HttpRequest, *arguments: Any, **names: Any) -> Any:
        try:
            return super().dispatch(request, *arguments, **names)
        except LinkEnded:
            return show_ended(request)

    def get_form(self, data: Any = None) -> forms.Form:
        return self.form_class(data)

    def get_context(self) -> dict[str, Any]:
        return {}

    @abstractmethod
    def save(self, form: forms.Form) -> HttpResponse:
        """Calls the service with `form.cleaned_data`, and says where to go on."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(self.get_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.get_form(request.POST)
        if not form.is_valid():
            return self._show(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        try:
            if self.limit and not consume(request, action=self.limit, key=self.limit_key(form)):
                raise TooManyRequests(_("Too many tries. Wait a few minutes, then try again."))
            return self.save(form)
        except InvalidInput as problem:
            add_errors(form, problem)
            return self._show(form, status=problem.status)
        except TooManyRequests as problem:
            form.add_error(None, str(problem.detail))
            return self._show(form, status=problem.status)

    def limit_key(self, form: forms.Form) -> str:
        """What the limit counts by, beside the place."""
        return str(form.cleaned_data.get("email", "")).lower()

    def _show(self, form: forms.Form, *, status: int = 200) -> HttpResponse:
        return render(self.request, self.template_name, {**self.get_context(), "form": form}, status=status)


class NoFields(forms.Form):
    """A page that asks for nothing but the press of its button."""


def new_password_field(label: Any, **attributes: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", **attributes}),
        help_text=gettext_lazy("12 characters or more. Known leaked passwords are refused."),
    )
