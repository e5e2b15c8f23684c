"""One view for a form that changes something: a dialog or sheet over the page, and a page at the same address.

GET shows the form: inside `#dialog` or `#sheet` when HTMX asks for it there, else as a whole page.
POST calls a service. A Problem from it becomes an error at its field, or an alert above the form with the values kept.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy as _
from django.views import View

from apps.core.errors import Conflict, InvalidInput, Problem, StaleVersion, Text
from apps.core.web import htmx

OVERLAYS = ("dialog", "sheet")


@dataclass(frozen=True)
class Done:
    """What a form's success says, and where a person without the page underneath goes next."""

    title: Text
    text: Text = ""
    url: Any = ""
    events: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Touch:
    """A line of what a change touches: the object, now, after, domains, callers."""

    label: Text
    value: Any
    is_code: bool = False


class FormView(LoginRequiredMixin, View, ABC):
    """A template extends `frame`: `overlays/page.html` or the dialog's or sheet's frame, with the same blocks."""

    form_class: ClassVar[type[forms.BaseForm]]
    template_name: ClassVar[str] = "overlays/form.html"
    overlay: ClassVar[str] = "dialog"
    title: ClassVar[Text] = ""
    lead: ClassVar[Text] = ""
    submit_label: ClassVar[Text] = _("Save")
    is_dangerous: ClassVar[bool] = False
    #: The page that Cancel leads to, as the crumbs call it
    back_label: ClassVar[Text] = ""
    #: Goes on to `Done.url` also from an overlay, such as where the page underneath is gone
    leads_on: ClassVar[bool] = False

    def get_initial(self) -> dict[str, Any]:
        return {}

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        return self.form_class(data, files, initial=self.get_initial())

    def get_context(self) -> dict[str, Any]:
        """Title, lead and what else the template shows; called after the permission is known."""
        return {}

    def get_back_url(self) -> str:
        """Where Cancel leads on the whole page."""
        return "/"

    def get_back_label(self) -> Text:
        return self.back_label

    @abstractmethod
    def save(self, form: forms.BaseForm) -> Done:
        """Calls the service with `form.cleaned_data`."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._show(self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form(request.POST, request.FILES)
        if not form.is_valid():
            return self._show(form, status=422)
        try:
            done = self.save(form)
        except InvalidInput as problem:
            add_errors(form, problem)
            return self._show(form, status=problem.status)
        except (Conflict, StaleVersion) as problem:
            return self._show(form, status=problem.status, conflict=problem)
        return self.succeed(done)

    def succeed(self, done: Done) -> HttpResponse:
        """The overlay closes over the page it came from; a whole page goes on to the next."""
        stays = htmx.target(self.request) in OVERLAYS and not self.leads_on
        if not stays:
            htmx.later_toast(self.request, title=done.title, text=done.text)
            return htmx.redirect(self.request, done.url or self.get_back_url())
        response = HttpResponse(status=204)
        for event, details in done.events.items():
            htmx.trigger(response, event, details)
        return htmx.vary(htmx.close(htmx.toast(response, title=done.title, text=done.text)))

    def _show(self, form: forms.BaseForm, *, status: int = 200, conflict: Problem | None = None) -> HttpResponse:
        target = htmx.target(self.request)
        frame = target if target in OVERLAYS else "page"
        context = {
            "title": self.title,
            "lead": self.lead,
            "submit_label": self.submit_label,
            "is_dangerous": self.is_dangerous,
            **self.get_context(),
            "form": form,
            "conflict": conflict,
            "is_stale": conflict is not None and (conflict.is_stale or conflict.slug == Conflict.slug),
            "frame": f"overlays/{frame}.html",
            "overlay": frame,
            "back_url": self.get_back_url(),
            "back_label": self.get_back_label(),
            "action": self.request.get_full_path(),
        }
        response = render(self.request, self.template_name, context, status=status)
        patch_cache_control(response, private=True, no_cache=True)
        return htmx.vary(response)


class TypedConfirmation(forms.Form):
    """Asks for a name, letter by letter, where data is lost."""

    typed = forms.CharField(label=_("Name"), widget=forms.TextInput(attrs={"autocomplete": "off", "class": "mono"}))

    def __init__(self, *arguments: Any, expected: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.expected = expected
        if not expected:
            del self.fields["typed"]
            return
        self.fields["typed"].label = _("Type %(name)s to go on") % {"name": expected}

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed != self.expected:
            raise forms.ValidationError(_("Write it exactly as %(name)s."), params={"name": self.expected})
        return typed


class ConfirmView(FormView):
    """A dangerous action: names what it touches, and repeats the verb and the object on its button."""

    form_class = TypedConfirmation
    template_name = "overlays/confirm.html"
    is_dangerous = True

    @abstractmethod
    def get_touches(self) -> list[Touch]:
        """What it changes, named line by line."""

    def get_typed_name(self) -> str:
        """What has to be typed; empty where nothing is lost for good."""
        return ""

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        return TypedConfirmation(data, expected=self.get_typed_name())

    def get_context(self) -> dict[str, Any]:
        return {"touches": self.get_touches()}

    @abstractmethod
    def run(self) -> Done:
        """Calls the service."""

    def save(self, form: forms.BaseForm) -> Done:
        return self.run()


def add_errors(form: forms.BaseForm, problem: InvalidInput) -> None:
    """The service's field errors at the form's fields; what the form doesn't show stands above it."""
    if not problem.fields:
        form.add_error(None, str(problem.detail or problem.title))
    for path, errors in problem.fields.items():
        name = path.lstrip("/?").replace("/", "__")
        for error in errors:
            if name in form.fields:
                form.add_error(name, error)
            else:
                form.add_error(None, f"{name}: {_first(error)}" if name and name != NON_FIELD_ERRORS else error)


def _first(error: Any) -> str:
    return "; ".join(error.messages) if isinstance(error, forms.ValidationError) else str(error)
