"""A question of its own before an operator does something: what it touches, and a form such as for the reason."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from apps.core.errors import Problem, Text
from apps.core.web.admin import OperatorsAdmin
from apps.core.web.forms import Touch, TypedConfirmation
from apps.tenants.models import LONGEST_REASON

# Says that the question was answered, where the same address also opens it
ANSWERED = "answered"
# How the admin shows links in its own text
LINK = "text-primary-600 dark:text-primary-500 underline"


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=LONGEST_REASON, strip=True, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )


class TypedForm(TypedConfirmation):
    """With the admin's widget."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["typed"].widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})


def ask(
    model_admin: OperatorsAdmin,
    request: HttpRequest,
    form: forms.Form,
    run: Callable[..., HttpResponse | None],
    *,
    title: Text,
    submit: Text,
    back: str,
    lead: Text = "",
    touches: Sequence[Touch] = (),
    chosen: Iterable[str] = (),
    action: str = "",
    is_dangerous: bool = False,
) -> HttpResponse | None:
    """The page with the question, until it's answered as it should; then what `run(**answers)` returns.

    `chosen` and `action` repeat what a list's action was called with.
    """
    if ANSWERED in request.POST and form.is_valid():
        try:
            return run(**form.cleaned_data)
        except Problem as problem:
            _add(form, problem)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "lead": lead,
        "opts": model_admin.opts,
        "form": form,
        "touches": touches,
        "submit": submit,
        "back": back,
        "chosen": list(chosen),
        "action": action,
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
        "answered": ANSWERED,
        "is_dangerous": is_dangerous,
    }
    return TemplateResponse(request, "admin/tenants/ask.html", context)


def bound(request: HttpRequest) -> Any:
    """What the form is filled from: nothing until it was shown."""
    return request.POST if ANSWERED in request.POST else None


def _add(form: forms.Form, problem: Problem) -> None:
    if not problem.fields:
        form.add_error(None, str(problem.detail or problem.title))
    for name, texts in problem.fields.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)
