"""How gateways look to people: the words and tones of their phases, their addresses, and what can be done now."""

from dataclasses import dataclass

from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.core.errors import Text
from apps.core.web.addresses import address
from apps.gateways.lifecycle.table import Do, Phase, State, follows
from apps.gateways.models import FunctionGateway, Stage
from apps.gateways.selectors import address_of, hosts_of
from apps.gateways.sizes import PROCESSES, SIZES, StageName
from apps.tenants.member import Member

AT_REST = {Phase.STARTED: "ok", Phase.STOPPED: "idle", Phase.DELETED: "idle"}
MIB_PER_GIB = 1024


@dataclass(frozen=True)
class StatePhase:
    """`phase` and `state` are the same word where nothing more is to be done."""

    phase: Text
    state: Text
    tone: str


def statephase_of(gateway: FunctionGateway) -> StatePhase:
    wanted = State(gateway.wanted)
    if is_moving(gateway):
        tone = "bad" if gateway.has_stopped else "busy"
        return StatePhase(Phase(gateway.phase).label, wanted.label, tone)
    return StatePhase(wanted.label, wanted.label, AT_REST.get(Phase(gateway.phase), "idle"))


def is_moving(gateway: FunctionGateway) -> bool:
    """There is something left to do until it is as it's wanted."""
    return follows(gateway.wanted, gateway.phase, is_changed=gateway.is_changed) is not Do.REST


# --- Addresses -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a stage answers, and whether it does."""

    stage: str
    host: str
    url: str
    word: Text
    tone: str
    is_active: bool
    because: str = ""
    # For its routes, which are on the way
    waits: bool = False


def places_of(gateway: FunctionGateway, *, serves: bool) -> list[Place]:
    """In the order of stages; also before they're made, as their hosts are known then."""
    rows = {row.name: row for row in gateway.stages.all()}
    return [_place(gateway, name, rows.get(name), serves=serves) for name in StageName]


def _place(gateway: FunctionGateway, name: str, row: Stage | None, *, serves: bool) -> Place:
    host = hosts_of(gateway, name)[0]
    url = address_of(gateway, host)
    if row is not None and row.state != Stage.State.ACTIVE:
        return Place(name, host, url, _("switched off"), "warn", False, row.inactive_because)
    if serves:
        return Place(name, host, url, _("serving"), "ok", True)
    waits = gateway.wanted not in (State.STOPPED, State.DELETED)
    return Place(name, host, url, _("waits for routes") if waits else _("not serving"), "idle", True, waits=waits)


# --- What can be done now --------------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """`asks`: it opens a dialog that names what it touches; otherwise it's done at once."""

    name: str
    label: Text
    icon: str
    url: str
    asks: bool = True
    is_dangerous: bool = False
    # Stands in the menu, not as a button
    is_rare: bool = False

    @property
    def overlay(self) -> str:
        """A sheet where much is to be read before."""
        return "sheet" if self.name in ("delete", "bundle") else "dialog"


START = pgettext_lazy("do with a gateway", "Start")
STOP = pgettext_lazy("do with a gateway", "Stop")
RESTART = pgettext_lazy("do with a gateway", "Restart")
TRY_AGAIN = gettext_lazy("Try again")
DELETE = gettext_lazy("Delete gateway")
STOP_CREATING = gettext_lazy("Stop creating")


def offers_for(gateway: FunctionGateway, actor: Member) -> list[Offer]:
    """What makes sense now, as far as this person may."""
    is_own = gateway.owner_id == actor.pk
    found: list[Offer] = []
    if gateway.state == State.DELETED:
        return found
    if is_being_created(gateway):
        if gateway.has_stopped and actor.may("gateways.operate", is_own=is_own):
            found.append(_offer(gateway, "start", TRY_AGAIN, "restart", asks=False))
        if actor.may("gateways.delete", is_own=is_own):
            found.append(_offer(gateway, "delete", STOP_CREATING, "x", is_dangerous=True))
        return found
    if actor.may("gateways.operate", is_own=is_own):
        if gateway.state == State.STOPPED:
            found.append(_offer(gateway, "start", START, "play", asks=False))
        elif gateway.has_stopped:
            found.append(_offer(gateway, "start", TRY_AGAIN, "restart", asks=False))
            found.append(_offer(gateway, "stop", STOP, "stop"))
        else:
            found.append(_offer(gateway, "restart", RESTART, "restart", asks=False))
            found.append(_offer(gateway, "stop", STOP, "stop"))
    if actor.may("gateways.delete", is_own=is_own):
        found.append(_offer(gateway, "delete", DELETE, "trash", is_dangerous=True, is_rare=True))
    return found


def is_being_created(gateway: FunctionGateway) -> bool:
    """It has never come up, and is wanted to."""
    return gateway.state == State.RUNNING and not gateway.observed_generation and gateway.phase != Phase.STOPPED


def _offer(gateway: FunctionGateway, name: str, label: Text, icon: str, **more: bool) -> Offer:
    return Offer(name, label, icon, address(f"gateways:{name}", gateway_id=gateway.pk), **more)


# --- Numbers ---------------------------------------------------------------------------------------


def cpu_of(size: str) -> str:
    cores = SIZES[size].milli_cpu / 1000
    return _("%(cores)s vCPU") % {"cores": f"{cores:g}"}


def memory_of(size: str) -> str:
    mb = SIZES[size].memory_mb
    return f"{mb // MIB_PER_GIB} GiB" if mb % MIB_PER_GIB == 0 else f"{mb} MiB"


def processes_told(layout: str) -> str:
    return ", ".join(process.name for process in PROCESSES[layout])


def seconds_told(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return _("%(seconds)s s") % {"seconds": f"{seconds:.1f}"}


def hosts_told(gateway: FunctionGateway, *stages: str) -> str:
    """Of these stages; of all of them where none is named."""
    return ", ".join(host for stage in stages or StageName.values for host in hosts_of(gateway, stage))


def hosts_in_lines(gateway: FunctionGateway, *stages: str) -> SafeString:
    """With those of its workspace's own that are served."""
    named = stages or tuple(StageName.values)
    proven = gateway.custom_domains.filter(proven_at__isnull=False, stage__name__in=named).order_by("host")
    hosts = [host for stage in named for host in hosts_of(gateway, stage)]
    return format_html_join(mark_safe("<br>"), "{}", [(host,) for host in (*hosts, *(each.host for each in proven))])
