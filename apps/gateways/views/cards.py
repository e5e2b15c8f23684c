"""Choices as cards, each with what speaks for it, and with the reason where it can't be chosen now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.errors import Text
from apps.fleet.models import Cluster
from apps.gateways.sizes import PROCESSES, SIZES, Layout, SizeName
from apps.gateways.views.shown import cpu_of, memory_of


@dataclass(frozen=True)
class Card:
    """A choice with what speaks for it; `refused` says why it can't be chosen now."""

    value: str
    label: Text
    hint: Text
    note: Text = ""
    refused: Text = ""
    facts: tuple[tuple[Text, str], ...] = ()
    # Of a layout: which stages share a process
    groups: tuple[tuple[str, ...], ...] = ()
    is_usual: bool = False


LAYOUT_HINTS: Mapping[str, Text] = {
    Layout.SHARED: gettext_lazy("Takes the least. A function that hangs in dev restarts prod's process too."),
    Layout.PROD_APART: gettext_lazy("Nothing that happens in dev or staging reaches prod."),
    Layout.PER_STAGE: gettext_lazy("A load test in staging measures staging alone."),
}


def size_cards() -> list[Card]:
    return [
        Card(
            size,
            SizeName(size).label,
            SIZES[size].meaning,
            facts=((_("CPU"), cpu_of(size)), (_("Memory"), memory_of(size))),
        )
        for size in SizeName
    ]


def layout_cards() -> list[Card]:
    return [
        Card(
            layout,
            Layout(layout).label,
            LAYOUT_HINTS[layout],
            facts=((_("Processes"), str(len(PROCESSES[layout]))),),
            groups=tuple(process.stages for process in PROCESSES[layout]),
            is_usual=layout == Layout.PROD_APART,
        )
        for layout in Layout
    ]


def cluster_cards(clusters: Iterable[Cluster], counts: Mapping[str, int]) -> list[Card]:
    return [_cluster_card(cluster, counts.get(cluster.pk, 0)) for cluster in clusters]


def _cluster_card(cluster: Cluster, count: int) -> Card:
    refused = ""
    if cluster.is_in_maintenance:
        refused = _("In maintenance, takes nothing new.")
        if cluster.maintenance_because:
            refused = f"{refused} {cluster.maintenance_because}"
    here = ngettext("%(count)d of yours runs here.", "%(count)d of yours run here.", count) % {"count": count}
    hint = here if count else _("None of yours runs here yet.")
    return Card(cluster.pk, str(cluster), hint, note=cluster.region, refused=refused)
