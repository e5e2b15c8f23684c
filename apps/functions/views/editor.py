"""The page on which a function is written: files, editor, save bar, and a panel that calls it.

Everything that the script needs comes with the page. Without script, the files are fields of a form that saves.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views import View

from apps.core.assets import assets
from apps.core.errors import InvalidInput, NotFound
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.core.web.middleware import widen_policy
from apps.functions.files import checked_files
from apps.functions.models import Draft, Function
from apps.functions.names import parameters_of, path_of
from apps.functions.presence import names_of_editors
from apps.functions.problems import CompileError, StaleSave
from apps.functions.selectors import get_draft, head_of, list_functions, packages_of
from apps.functions.services import copy_function, save_draft, save_function
from apps.functions.services.locking import SAVE
from apps.functions.views.about import edit_url, url_of
from apps.functions.views.forms import PlainForm, read_plain
from apps.functions.views.standing import standing
from apps.functions.views.words import words
from apps.gateways.sizes import StageName
from apps.gateways.views.base import AboutGateway
from apps.tenants import roles

FREQUENT = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PARTS_OF_MONACO = {
    "script": "monaco.js",
    "styles": "monaco.css",
    "editor": "editor-worker.js",
    "typescript": "typescript-worker.js",
    "json": "json-worker.js",
}


@dataclass(frozen=True)
class StageTab:
    """A stage, and what is there under this name; `function` is None where nothing is yet."""

    name: str
    url: str
    function: Function | None
    is_current: bool

    @property
    def version(self) -> str:
        return "" if self.function is None else self.function.semver or f"v{self.function.version}"


class Editor(AboutGateway, LoginRequiredMixin, View):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        function = self._function()
        return self._elsewhere() if function is None else self._show(function)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Of the form for those without script; and the copy into a stage where it isn't yet."""
        function = self._function()
        if function is None:
            return self._copy_here(request.POST.get("copy", ""))
        wanted = read_plain(request.POST)
        try:
            checked_files(wanted.files)
            if request.POST.get("do") == "add":
                return self._show(function, form=wanted)
            saved = save_function(
                actor=self.actor, function=function, files=wanted.files, entrypoint=wanted.entrypoint,
                base_version=wanted.base_version,
            )  # fmt: skip
        except StaleSave:
            save_draft(
                actor=self.actor, function=function, files=wanted.files, entrypoint=wanted.entrypoint,
                base_version=wanted.base_version,
            )  # fmt: skip
            return htmx.redirect(request, url_of("conflict", function))
        except InvalidInput as problem:
            findings = problem.extra.get("findings", []) if isinstance(problem, CompileError) else []
            told = [] if findings else [str(text) for texts in problem.fields.values() for text in texts]
            return self._show(function, form=wanted, findings=findings, refusals=told, status=422)
        htmx.later_toast(request, title=_("Saved as v%(version)d") % {"version": saved.version})
        return htmx.redirect(request, edit_url(saved))

    def _function(self) -> Function | None:
        return self._named(self.kwargs["stage"])

    def _named(self, stage: str) -> Function | None:
        rows = list_functions(actor=self.actor, gateway=self.gateway).filter(base_name=self.kwargs["base_name"])
        return rows.filter(stage=stage).select_related("gateway", "head").first()

    def _tabs(self) -> list[StageTab]:
        rows = list_functions(actor=self.actor, gateway=self.gateway).filter(base_name=self.kwargs["base_name"])
        there = {row.stage: row for row in rows}
        if not there:
            raise NotFound
        return [
            StageTab(
                stage,
                address("functions:edit", gateway_id=self.gateway.pk, stage=stage, base_name=self.kwargs["base_name"]),
                there.get(stage),
                stage == self.kwargs["stage"],
            )
            for stage in StageName.values
        ]

    def _elsewhere(self, *, refusals: list[str] | None = None, status: int = 200) -> HttpResponse:
        """The stage has no function of this name yet, another one has."""
        tabs, stage = self._tabs(), self.kwargs["stage"]
        context = {
            **self._frame(tabs),
            "sources": [tab.function for tab in tabs if tab.function is not None],
            "may_save": self.actor.may(SAVE, stage=stage),
            "roles": self._roles_for(stage),
            "refusals": refusals or [],
        }
        return self._answer("functions/elsewhere.html", context, status=status)

    def _copy_here(self, function_id: str) -> HttpResponse:
        source = next((tab.function for tab in self._tabs() if tab.function and tab.function.pk == function_id), None)
        if source is None:
            raise NotFound
        stage = self.kwargs["stage"]
        try:
            copy = copy_function(actor=self.actor, function=source, name=f"{stage}/{source.base_name}")
        except InvalidInput as problem:
            told = [str(text) for texts in problem.fields.values() for text in texts] or [str(problem.title)]
            return self._elsewhere(refusals=told, status=problem.status)
        htmx.later_toast(
            self.request, title=_("%(name)s is in %(stage)s now") % {"name": copy.base_name, "stage": stage}
        )
        return htmx.redirect(self.request, edit_url(copy))

    def _show(
        self,
        function: Function,
        *,
        form: PlainForm | None = None,
        findings: Any = (),
        refusals: list[str] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        tabs, nonce = self._tabs(), secrets.token_urlsafe(16)
        may_save = self.actor.may(SAVE, stage=function.stage)
        may_run = self.actor.may("functions.call", stage=function.stage)
        draft = get_draft(actor=self.actor, function=function)
        context = {
            **self._frame(tabs),
            "function": function,
            "head": head_of(function),
            "form": form or PlainForm.of(function, draft),
            "findings": findings,
            "refusals": refusals or [],
            "standing": standing(function),
            "may_save": may_save,
            "may_run": may_run,
            "roles": self._roles_for(function.stage),
            "may_add": self.may("dependencies.change"),
            "may_set": self.may("gateways.secrets"),
            "packages": packages_of(self.gateway).versions,
            "variables": self.gateway.variables.order_by("name"),
            "path": path_of(function.base_name),
            "parameters": parameters_of(function.base_name),
            "methods": function.methods or FREQUENT,
            "monaco": {part: assets.url(name) for part, name in PARTS_OF_MONACO.items()},
            "nonce": nonce,
            "page_keys": _keys(may_save=may_save, may_run=may_run),
            "data": self._data(function, draft, may_save=may_save),
        }
        response = self._answer("functions/editor.html", context, status=status)
        # The editor sizes its lines by style attributes and its themes by style elements of its own: ADR 0028
        additions = {"style-src": [f"'nonce-{nonce}'"], "style-src-attr": ["'unsafe-inline'"]}
        widen_policy(response, additions)
        return response

    def _frame(self, tabs: list[StageTab]) -> dict[str, Any]:
        return {
            "gateway": self.gateway,
            "stages": tabs,
            "stage": self.kwargs["stage"],
            "base_name": self.kwargs["base_name"],
        }

    def _data(self, function: Function, draft: Draft | None, *, may_save: bool) -> dict[str, Any]:
        """For the page's script."""
        head = head_of(function)
        names = ("save", "standing", "draft", "run", "conflict")
        return {
            "id": str(function.pk),
            "pattern": path_of(function.base_name),
            "person": str(self.actor.pk),
            "files": head.files,
            "entrypoint": head.entrypoint,
            "standing": standing(function),
            "editors": names_of_editors(actor=self.actor, function=function),
            "draft": draft and {
                "files": draft.files,
                "entrypoint": draft.entrypoint,
                "base_version": draft.base_version,
                "revision": draft.revision,
                "at": draft.updated_at.timestamp() * 1000,
            },
            "may_save": may_save,
            "urls": {
                **{name: url_of(name, function) for name in names},
                "types": address("functions:types", gateway_id=self.gateway.pk),
            },
            "words": words(),
        }  # fmt: skip

    def _roles_for(self, stage: str) -> list[str]:
        """Who may save there, for those who may not."""
        return roles.roles_that_may(SAVE, kind=self.actor.tenant.kind, stage=stage)

    def _answer(self, template: str, context: dict[str, Any], *, status: int) -> HttpResponse:
        response = render(self.request, template, context, status=status)
        response["Cache-Control"] = "private, no-store"
        return htmx.vary(response)


def _keys(*, may_save: bool, may_run: bool) -> list[tuple[str, tuple[str, ...]]]:
    """Beside those of every page."""
    keys: list[tuple[str, tuple[str, ...]]] = [(_("Let Tab leave the editor"), ("Ctrl", "M"))]
    if may_run:
        keys.insert(0, (pgettext("a function", "Run"), ("Ctrl", "Enter")))
    if may_save:
        keys.insert(0, (_("Save"), ("Ctrl", "S")))
    return keys
