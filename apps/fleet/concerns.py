"""What needs a look: the fleet's own troubles, and those of what runs in it, which apps above say of theirs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.clock import now
from apps.core.durations import exactly
from apps.core.errors import Text
from apps.fleet.health import ClusterState, Health


@dataclass(frozen=True)
class Concern:
    """A line of "Needs a look", and where something can be done about it."""

    symbol: str
    tone: str
    title: Text
    text: Text
    url: str
    action: Text


@dataclass(frozen=True)
class Source:
    """A kind of trouble: how many there are as a tile, the first of them as lines."""

    label: Text
    url_name: str
    count: Callable[[], int]
    find: Callable[[], Sequence[Concern]]


_sources: dict[str, Source] = {}


def register_source(source: Source) -> None:
    """In the app's ready(). Registering it again replaces it."""
    _sources[source.url_name] = source


def all_sources() -> Sequence[Source]:
    return tuple(_sources.values())


def concerns_of(states: Iterable[ClusterState]) -> list[Concern]:
    return [concern for state in states if (concern := _concern_of(state))]


def _concern_of(state: ClusterState) -> Concern | None:
    cluster, words = state.cluster, {"cluster": state.cluster.name}
    if state.health == Health.LOST:
        title = _("%(cluster)s lost its only agent") if len(state.agents) == 1 else _("%(cluster)s lost its agents")
        text = _("%(last)s Traffic goes on, nothing new arrives.") % {"last": _last_heard(state)}
        return Concern("agent", "bad", title % words, text, _page_of(cluster.pk), _("See its agents"))
    if state.health == Health.FAILED:
        title = _("%(cluster)s refuses what is wanted")
        text = _("What ran there before goes on. Its page says what is wrong, object by object.")
        return Concern("error", "bad", title % words, text, _page_of(cluster.pk), _("See what it says"))
    if state.health == Health.DRIFTED:
        title = _("%(cluster)s isn't as it was any more")
        text = _("Its agent holds something else than what is wanted, also after it was sent everything. Resync it.")
        if state.drifted:
            text = ngettext(
                "%(count)d bundle was ready and isn't now, though nothing else is wanted. Its agent is at it.",
                "%(count)d bundles were ready and aren't now, though nothing else is wanted. Its agent is at them.",
                state.drifted,
            ) % {"count": state.drifted}
        return Concern("warn", "warn", title % words, text, _page_of(cluster.pk), _("See what it says"))
    if state.health == Health.WAITING:
        title = _("%(cluster)s waits for its first agent")
        text = _("Nothing can be brought there before one has registered.")
        url = reverse("fleet:token", args=[cluster.pk])
        return Concern("key", "warn", title % words, text, url, _("New token"))
    return None


def _last_heard(state: ClusterState) -> str:
    if state.seen_at is None:
        return _("It never connected.")
    return _("Last heartbeat %(span)s ago.") % {"span": exactly(now() - state.seen_at)}


def _page_of(cluster_id: str) -> str:
    return reverse("fleet:cluster", args=[cluster_id])
