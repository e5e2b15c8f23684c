"""Bases of the operators' admin pages: they write through services and leave the telling to the audit log."""

from typing import Any, Self

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin

from apps.core.errors import Problem, Text


class Labelled(tuple[str, Any]):
    """Of a column with coloured labels: what the colour goes by, and the word, which is all that a single row shows."""

    __slots__ = ()

    def __new__(cls, key: str, word: Text) -> Self:
        return super().__new__(cls, (key, word))

    def __str__(self) -> str:
        return str(self[1])


class OperatorsAdmin(ModelAdmin):
    """What is refused by a service is said on the page; Django's own log of changes stays empty."""

    show_full_result_count = False
    list_filter_sheet = False
    warn_unsaved_form = True

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *arguments: Any, **names: Any
    ) -> HttpResponse:
        # Lists write an id's underline as _5F, which Django reads and Unfold's buttons don't
        object_id = unquote(object_id) if object_id else None
        try:
            response: HttpResponse = super().changeform_view(request, object_id, *arguments, **names)
        except Problem as problem:
            tell(request, problem)
            response = HttpResponseRedirect(request.get_full_path())
        return response

    def run_for_each(
        self, request: HttpRequest, rows: "QuerySet[Any]", service: Any, argument: str, done: Text
    ) -> None:
        """A service for each chosen row, on its own: one that is refused doesn't hold up the others."""
        count = 0
        for row in rows:
            try:
                service(actor=request.user, **{argument: row})
                count += 1
            except Problem as problem:
                tell(request, problem)
        if count:
            self.message_user(request, str(done) % {"count": count}, messages.SUCCESS)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        return None

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        return None


class VersionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Remembers which version was shown, so that whoever saves second is told."""

    shown_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Missing for those who may only look
        if field := self.fields.get("shown_version"):
            field.required = self.is_there
            self.initial["shown_version"] = self.instance.version

    @property
    def is_there(self) -> bool:
        """Shown to be changed, and not to make a new one."""
        return not self.instance._state.adding


class ReadOnlyAdmin(OperatorsAdmin):
    """To look at, and nothing else."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def tell(request: HttpRequest, problem: Problem) -> None:
    """A Problem as messages: each field's, or the whole."""
    texts = [f"{name}: {text}" for name, found in problem.fields.items() for text in found]
    for text in texts or [str(problem.detail or problem.title)]:
        messages.error(request, text)
