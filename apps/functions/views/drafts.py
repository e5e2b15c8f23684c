"""What somebody has typed and not saved yet, kept as they type."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.views import View

from apps.functions.presence import is_editing, tell_editing
from apps.functions.services import discard_draft, save_draft
from apps.functions.views.about import AboutFunction, answer, read_json, take_files, take_number, take_text


class DraftOfFunction(AboutFunction, LoginRequiredMixin, View):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        given = read_json(request)
        is_known = is_editing(actor=self.actor, function=self.function)
        draft = save_draft(
            actor=self.actor,
            function=self.function,
            files=take_files(given),
            entrypoint=take_text(given, "entrypoint"),
            base_version=take_number(given, "base_version"),
            revision=take_number(given, "revision") if given.get("revision") is not None else None,
        )
        if not is_known:
            tell_editing(self.function)
        return answer({"revision": draft.revision, "updated_at": draft.updated_at.isoformat()})

    def delete(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        discard_draft(actor=self.actor, function=self.function)
        tell_editing(self.function)
        return answer({"revision": 0})
