"""How clusters look to people: the words and tones of their health, and their bundles as a bar."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.charts import Part, Whole
from apps.core.clock import now
from apps.core.durations import exactly
from apps.core.errors import Text
from apps.fleet.health import ClusterState, Health
from apps.fleet.models import Bundle, Cluster
from apps.fleet.selectors import Presence

TONES: Mapping[str, str] = {
    Health.LOST: "bad",
    Health.FAILED: "bad",
    Health.DRIFTED: "warn",
    Health.DELIVERING: "busy",
    Health.MAINTENANCE: "idle",
    Health.WAITING: "idle",
    Health.IN_SYNC: "ok",
}
PRESENCE_TONES: Mapping[str, str] = {
    Presence.LEADS: "ok",
    Presence.STANDS_BY: "ok",
    Presence.LOST: "bad",
    Presence.REVOKED: "idle",
}
BUNDLE_TONES: Mapping[str, str] = {
    Bundle.Phase.PENDING: "idle",
    Bundle.Phase.DELIVERING: "busy",
    Bundle.Phase.APPLIED: "busy",
    Bundle.Phase.READY: "ok",
    Bundle.Phase.FAILED: "bad",
    Bundle.Phase.PRUNED: "idle",
}
# The colours of the bars
LEGEND: Sequence[tuple[str, Text]] = (
    ("s-ok", gettext_lazy("ready")),
    ("s1", gettext_lazy("on the way")),
    ("s-warn", gettext_lazy("drifted")),
    ("s-bad", gettext_lazy("lost or refused")),
    ("s6", gettext_lazy("held back")),
)


@dataclass(frozen=True)
class ShownCluster:
    state: ClusterState

    @property
    def cluster(self) -> Cluster:
        return self.state.cluster

    @property
    def tone(self) -> str:
        return TONES[self.state.health]

    @property
    def word(self) -> Text:
        if self.state.health == Health.DELIVERING:
            return _("delivering %(count)d") % {"count": self.state.on_the_way}
        if self.state.health == Health.FAILED:
            return _refused(self.state.failed)
        if self.state.health == Health.DRIFTED and self.state.drifted:
            return _drifted(self.state.drifted)
        return Health(self.state.health).label

    @property
    def agents(self) -> str:
        """With how many of them are there, where that isn't all."""
        total, there = len(self.state.agents), self.state.connected
        if there == total:
            return ngettext("%(count)d agent", "%(count)d agents", total) % {"count": total}
        text = ngettext("%(there)d of %(count)d agent", "%(there)d of %(count)d agents", total)
        return text % {"there": there, "count": total}

    @property
    def bundles(self) -> str:
        if not sum(self.state.bundles.values()):
            return _("nothing wanted yet")
        if self.state.health in (Health.LOST, Health.WAITING):
            return _("state unknown")
        return ", ".join(self._troubles()) or str(_("all ready"))

    @property
    def lag(self) -> str:
        """For how long the oldest wish has waited; empty where none does."""
        since = self.state.waits_since
        return "" if since is None else exactly(now() - since)

    @property
    def p95(self) -> str:
        return "" if self.state.delay.p95_ms is None else in_seconds(self.state.delay.p95_ms)

    def _troubles(self) -> Iterator[str]:
        state = self.state
        if state.failed:
            yield _refused(state.failed)
        if state.drifted:
            yield _drifted(state.drifted)
        if state.on_the_way:
            text = _("%(count)d held back") if self.cluster.is_in_maintenance else _("%(count)d on the way")
            yield text % {"count": state.on_the_way}
        if state.disagrees:
            yield _("digests differ")

    @property
    def bar(self) -> Whole:
        state = self.state
        words = {"ready": state.ready, "way": state.on_the_way, "drifted": state.drifted, "refused": state.failed}
        label = _("%(ready)d ready, %(way)d on the way, %(drifted)d drifted, %(refused)d refused") % words
        if state.health == Health.LOST:
            return Whole(label, [Part(label, 1, "s-bad")])
        held = "s6" if state.health in (Health.MAINTENANCE, Health.WAITING) else "s1"
        parts = [("s-ok", state.ready), (held, state.on_the_way), ("s-warn", state.drifted), ("s-bad", state.failed)]
        return Whole(label, [Part("", count, colour) for colour, count in parts])


def by_region(shown: Iterable[ShownCluster]) -> list[tuple[str, list[ShownCluster]]]:
    return [(region, list(group)) for region, group in groupby(shown, key=lambda each: each.cluster.region)]


def in_seconds(ms: int) -> str:
    """A delay, as the tiles and the events say it."""
    return f"{ms / 1000:.1f}"


def _refused(count: int) -> str:
    return ngettext("%(count)d refused", "%(count)d refused", count) % {"count": count}


def _drifted(count: int) -> str:
    return _("%(count)d drifted") % {"count": count}
