"""Every save of a function: what changed with each, and the way back to it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.diffs import Diff, side_by_side
from apps.core.errors import NotFound, Text
from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, Touch
from apps.core.web.lists import Column, Listing, ListPage
from apps.functions.filters import VersionFilter
from apps.functions.models import FunctionVersion
from apps.functions.selectors import get_version, head_of, list_versions
from apps.functions.services import pin_version, restore_version
from apps.functions.services.locking import SAVE
from apps.functions.views.about import AboutFunction, edit_url
from apps.functions.views.shown import live_of


class Versions(AboutFunction, ListPage):
    template_name = "functions/versions.html"
    filterset_class = VersionFilter
    shown_filters: Sequence[str] = ("kind",)
    order = "-number"
    export_name = "function-versions"
    columns: Sequence[Column] = (
        Column("id", gettext_lazy("Id"), on_page=False),
        Column("number", gettext_lazy("Version")),
        Column("kind", gettext_lazy("What")),
        Column("note", gettext_lazy("Note"), on_page=False),
        Column("base_name", gettext_lazy("Name"), on_page=False),
        Column("saved_at", gettext_lazy("When")),
        Column("saved_by_name", gettext_lazy("By")),
        Column("artifact", gettext_lazy("Artifact"), value=lambda row: str(row.artifact)),
    )

    def get_queryset(self) -> "QuerySet[FunctionVersion]":
        rows = list_versions(actor=self.actor, function=self.function).select_related("artifact")
        return rows.defer("files", "artifact__code", "artifact__source_map")

    def get_context(self, listing: Listing) -> dict[str, Any]:
        return {
            **super().get_context(listing),
            "gateway": self.gateway,
            "function": self.function,
            "edit_url": edit_url(self.function),
            "live": live_of(self.function),
            "may_save": self.actor.may(SAVE, stage=self.function.stage),
        }


class _OfVersion(AboutFunction, ConfirmView):
    back_label: ClassVar[Text] = gettext_lazy("Versions")

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        self.actor.require(SAVE, row=self.function, stage=self.function.stage)
        return super().get_form(data, files)

    @property
    def version(self) -> FunctionVersion:
        number = int(self.kwargs["number"])
        if number > 999_999:
            raise NotFound
        return get_version(actor=self.actor, function=self.function, number=number)

    def get_back_url(self) -> str:
        return address("functions:versions", gateway_id=self.gateway.pk, function_id=self.function.pk)


class RestoreVersion(_OfVersion):
    """Shows what changes with it, file by file, before it does."""

    template_name = "functions/restore_version.html"
    overlay = "sheet"
    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        names = {"version": self.version.number, "name": self.function}
        return {
            **super().get_context(),
            "title": _("Go back to v%(version)d of %(name)s?") % names,
            "submit_label": _("Go back to v%(version)d") % names,
            "diffs": diffs_between(head_of(self.function), self.version),
            "changes": _changes(head_of(self.function), self.version),
        }

    def get_touches(self) -> list[Touch]:
        version = self.version
        return [
            Touch(_("Now"), f"v{head_of(self.function).number}"),
            Touch(_("Then"), _("v%(next)d, as in v%(version)d") % self._numbers),
            Touch(_("Artifact"), str(version.artifact), is_code=True),
            Touch(_("Way back"), _("Go back to the version of now in the same way.")),
        ]

    @property
    def _numbers(self) -> dict[str, int]:
        return {"next": self.function.version + 1, "version": self.version.number}

    def run(self) -> Done:
        number = self.version.number
        restore_version(actor=self.actor, function=self.function, number=number)
        title = _("%(name)s is as in v%(version)d") % {"name": self.function, "version": number}
        return Done(title, url=self.get_back_url(), events={"functions": {}})


class Pin(_OfVersion):
    is_dangerous = False

    def get_context(self) -> dict[str, Any]:
        names = {"version": self.version.number}
        is_pinned = self.version.is_pinned
        title = _("Unpin v%(version)d?") if is_pinned else _("Pin v%(version)d?")
        label = _("Unpin v%(version)d") if is_pinned else _("Pin v%(version)d")
        return {**super().get_context(), "title": title % names, "submit_label": label % names}

    def get_touches(self) -> list[Touch]:
        told = (
            _("It may be forgotten once it's old.") if self.version.is_pinned else _("It's kept, however old it gets.")
        )
        return [Touch(_("Version"), f"{self.function}, v{self.version.number}", is_code=True), Touch(_("Then"), told)]

    def run(self) -> Done:
        version = self.version
        row = pin_version(
            actor=self.actor, function=self.function, number=version.number, is_pinned=not version.is_pinned
        )
        told = _("v%(version)d is pinned") if row.is_pinned else _("v%(version)d isn't pinned any more")
        return Done(told % {"version": row.number}, url=self.get_back_url(), events={"functions": {}})


def _changes(old: FunctionVersion, new: FunctionVersion) -> list[Touch]:
    """Its settings: what they are, and what they would be."""
    labels = {
        "entrypoint": _("Entrypoint"),
        "description": _("Description"),
        "methods": _("Methods"),
        "timeout_ms": _("Time limit, in milliseconds"),
        "tags": _("Tags"),
    }
    pairs = ((label, _told(getattr(old, name)), _told(getattr(new, name))) for name, label in labels.items())
    return [Touch(label, f"{before} → {after}") for label, before, after in pairs if before != after]


def _told(value: Any) -> str:
    return (", ".join(value) if isinstance(value, list) else str(value)) or "–"


def diffs_between(old: FunctionVersion, new: FunctionVersion) -> list[Diff]:
    """Of each file that differs."""
    paths = sorted({*old.files, *new.files})
    texts = ((path, old.files.get(path, ""), new.files.get(path, "")) for path in paths)
    return [side_by_side(path, before, after) for path, before, after in texts if before != after]
