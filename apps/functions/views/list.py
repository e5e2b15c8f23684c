"""The functions of a gateway, and those that lie in its recycle bin."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from apps.core.web.lists import Column, Listing
from apps.functions.filters import DeletedFilter, FunctionFilter
from apps.functions.models import Function
from apps.functions.names import parameters_of
from apps.functions.selectors import called_at, list_deleted, list_functions
from apps.functions.services.locking import SAVE
from apps.functions.sweeping import ends_at
from apps.functions.views.about import edit_url
from apps.functions.views.shown import live_of, offers_for, stages_for
from apps.gateways.lifecycle.table import State
from apps.gateways.views.page import GatewayListPage


class FunctionList(GatewayListPage):
    template_name = "functions/list.html"
    filterset_class = FunctionFilter
    shown_filters: Sequence[str] = ("stage", "method")
    order = "base_name"
    export_name = "functions"
    tab, tab_label = "functions", gettext_lazy("Functions")
    columns: Sequence[Column] = (
        Column("id", gettext_lazy("Id"), on_page=False),
        Column("base_name", gettext_lazy("Function"), sort="base_name"),
        Column("stage", gettext_lazy("Stage"), sort="stage"),
        Column("methods", gettext_lazy("Methods"), value=lambda row: " ".join(row.methods)),
        Column("description", gettext_lazy("Description"), on_page=False),
        Column("tags", gettext_lazy("Tags"), value=lambda row: ", ".join(row.tags), on_page=False),
        Column("version", gettext_lazy("Version"), classes="num"),
        Column("semver", gettext_lazy("Release"), on_page=False),
        Column("live", gettext_lazy("Live"), value=lambda row: str(live_of(row).word)),
        Column("saved_at", gettext_lazy("Saved"), value="head.saved_at", sort="head__saved_at"),
        Column("saved_by", gettext_lazy("By"), value="head.saved_by_name", on_page=False),
    )

    def get_queryset(self) -> "QuerySet[Function]":
        rows = list_functions(actor=self.actor, gateway=self.gateway)
        return rows.select_related("head", "gateway", "gateway__cluster").defer("head__files")

    def get_context(self, listing: Listing) -> dict[str, Any]:
        for row in listing.rows:
            row.live, row.offers, row.edit_url = live_of(row), offers_for(row, self.actor), edit_url(row)
            row.url = _openable(row)
        stays = self.gateway.state != State.DELETED
        return {**super().get_context(listing), "may_create": stays and bool(stages_for(self.actor))}


def _openable(row: Function) -> str:
    """Where a browser may call it; empty where it would have to know a parameter or send something."""
    if parameters_of(row.base_name) or (row.methods and "GET" not in row.methods):
        return ""
    return called_at(row)


class RecycleBin(GatewayListPage):
    template_name = "functions/bin.html"
    filterset_class = DeletedFilter
    shown_filters: Sequence[str] = ("stage",)
    order = "-deleted_at"
    export_name = "deleted-functions"
    tab, tab_label = "bin", gettext_lazy("Recycle bin")
    columns: Sequence[Column] = (
        Column("id", gettext_lazy("Id"), on_page=False),
        Column("base_name", gettext_lazy("Function"), sort="base_name"),
        Column("stage", gettext_lazy("Stage")),
        Column("deleted_at", gettext_lazy("Deleted"), sort="deleted_at"),
        Column("deleted_by", gettext_lazy("By")),
        Column("ends_at", gettext_lazy("Gone for good"), value=lambda row: ends_at(row)),
    )

    def get_queryset(self) -> "QuerySet[Function]":
        return list_deleted(actor=self.actor, gateway=self.gateway)

    def get_context(self, listing: Listing) -> dict[str, Any]:
        stays = self.gateway.state != State.DELETED
        for row in listing.rows:
            row.ends_at = ends_at(row)
            row.may_restore = stays and self.actor.may(SAVE, stage=row.stage)
        return super().get_context(listing)
