"""Somebody saved first: what they did, and what to do with one's own change."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import View

from apps.core.diffs import Diff, side_by_side
from apps.core.errors import InvalidInput, NotFound
from apps.core.web import htmx
from apps.functions.conflicts import Merge, merge_files
from apps.functions.models import Draft, FunctionVersion
from apps.functions.problems import CompileError, StaleSave
from apps.functions.selectors import get_draft, get_version, head_of
from apps.functions.services import discard_draft, save_draft, save_function
from apps.functions.services.locking import SAVE
from apps.functions.views.about import AboutFunction, edit_url, url_of

MERGED, THEIRS, MINE = "merged", "theirs", "mine"


@dataclass(frozen=True)
class Change:
    """What one of the two did since the version that both began from."""

    files: list[str]
    added: int
    removed: int


@dataclass(frozen=True)
class Clash:
    """The version both began from, the one that was saved since, one's own, and both in one."""

    base: FunctionVersion
    head: FunctionVersion
    draft: Draft
    merge: Merge

    @property
    def next(self) -> int:
        """What a save of now becomes."""
        return self.head.number + 1

    @property
    def diffs(self) -> list[Diff]:
        theirs, mine = self.head.files, self.draft.files
        paths = sorted(path for path in {*theirs, *mine} if theirs.get(path) != mine.get(path))
        return [side_by_side(path, theirs.get(path, ""), mine.get(path, "")) for path in paths]

    @property
    def theirs(self) -> Change:
        return _change(self.base.files, self.head.files)

    @property
    def mine(self) -> Change:
        return _change(self.base.files, self.draft.files)

    @property
    def entrypoint(self) -> str:
        """Of both in one: whoever chose another one wins, and one's own choice over theirs."""
        wanted = self.draft.entrypoint if self.draft.entrypoint != self.base.entrypoint else self.head.entrypoint
        return wanted if wanted in self.merge.files else ""


class Conflict(AboutFunction, LoginRequiredMixin, View):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        clash = self._clash()
        if clash is None:
            return htmx.redirect(request, edit_url(self.function))
        return self._show(clash)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        clash = self._clash()
        if clash is None:
            return htmx.redirect(request, edit_url(self.function))
        if request.POST.get("head") != str(clash.head.number):
            # What was decided about isn't what is there
            return self._show(clash, status=409, refusal=_("Somebody saved once more. Look at the difference again."))
        try:
            told = self._settle(clash, request.POST.get("how", ""))
        except StaleSave:
            self._function = None
            again = self._clash() or clash
            return self._show(again, status=409, refusal=_("Somebody saved once more. Look at the difference again."))
        except InvalidInput as problem:
            return self._show(clash, status=problem.status, refusal=str(problem.detail or problem.advice))
        htmx.later_toast(request, title=told)
        return htmx.redirect(request, edit_url(self.function))

    def _settle(self, clash: Clash, how: str) -> str:
        function, head, draft = self.function, clash.head, clash.draft
        if how == THEIRS:
            discard_draft(actor=self.actor, function=function)
            return _("You have v%(version)d now; your changes are gone") % {"version": head.number}
        if how == MINE:
            saved = save_function(
                actor=self.actor, function=function, files=draft.files, entrypoint=draft.entrypoint,
                base_version=head.number,
            )  # fmt: skip
            return _("Saved over it as v%(version)d") % {"version": saved.version}
        if how != MERGED:
            raise InvalidInput(_("Choose what to save."))
        if not clash.merge.is_clean:
            self._keep_merged(clash)
            return _("Both changes are in the editor. Settle what is marked, then save.")
        try:
            saved = save_function(
                actor=self.actor, function=function, files=clash.merge.files, entrypoint=clash.entrypoint,
                base_version=head.number,
            )  # fmt: skip
        except CompileError:
            self._keep_merged(clash)
            return _("Both changes are in the editor, but don't compile together. Mend them, then save.")
        return _("Both changes are saved as v%(version)d") % {"version": saved.version}

    def _keep_merged(self, clash: Clash) -> None:
        save_draft(
            actor=self.actor, function=self.function, files=clash.merge.files,
            entrypoint=clash.entrypoint or clash.draft.entrypoint, base_version=clash.head.number,
            revision=clash.draft.revision,
        )  # fmt: skip

    def _clash(self) -> Clash | None:
        """None where one's draft was begun from what is there, or there is none."""
        self.actor.require(SAVE, row=self.function, stage=self.function.stage)
        function, head = self.function, head_of(self.function)
        draft = get_draft(actor=self.actor, function=function)
        if draft is None or draft.base_version == head.number:
            return None
        try:
            base = get_version(actor=self.actor, function=function, number=draft.base_version)
        except NotFound:
            # Forgotten, as old versions are: with nothing to begin from, all that differs has to be settled
            base = FunctionVersion(number=draft.base_version, files={}, entrypoint=head.entrypoint)
        return Clash(base, head, draft, merge_files(base=base.files, theirs=head.files, mine=draft.files))

    def _show(self, clash: Clash, *, status: int = 200, refusal: str = "") -> HttpResponse:
        function = self.function
        context = {
            "function": function,
            "gateway": function.gateway,
            "clash": clash,
            "diffs": clash.diffs,
            "conflicting": list(clash.merge.conflicts),
            "refusal": refusal,
            "edit_url": edit_url(function),
            "action": url_of("conflict", function),
        }
        response = render(self.request, "functions/conflict.html", context, status=status)
        response["Cache-Control"] = "private, no-store"
        return htmx.vary(response)


def _change(before: dict[str, str], after: dict[str, str]) -> Change:
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    diffs = [side_by_side(path, before.get(path, ""), after.get(path, "")) for path in paths]
    return Change(paths, sum(diff.added for diff in diffs), sum(diff.removed for diff in diffs))
