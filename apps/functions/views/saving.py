"""Saving from the editor: stored, published, and answered once it's live or a moment has gone by."""

from functools import partial
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.views import View

from apps.core.afterwards import afterwards
from apps.functions.models import Function
from apps.functions.publishing import await_live, standing_of
from apps.functions.publishing.live import ANSWERED_WITHIN
from apps.functions.services import save_function
from apps.functions.views.about import AboutFunction, answer, read_json, take_files, take_number, take_text
from apps.functions.views.standing import standing


class Save(AboutFunction, LoginRequiredMixin, View):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        given = read_json(request)
        function = save_function(
            actor=self.actor,
            function=self.function,
            files=take_files(given),
            entrypoint=take_text(given, "entrypoint"),
            note=take_text(given, "note"),
            base_version=take_number(given, "base_version"),
            override=given.get("override") is True,
        )
        # Only after the commit there's anything to wait for
        return afterwards(answer(standing(function, standing_of(function))), partial(_once_live, function))


def _once_live(function: Function) -> HttpResponse:
    return answer(standing(function, await_live(function, within=ANSWERED_WITHIN)))
