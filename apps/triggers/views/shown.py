"""How triggers and their runs look to people."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.core.errors import Text
from apps.functions.views.shown import Offer
from apps.gateways.selectors import stages_where
from apps.tenants.member import Member
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.selectors import waits
from apps.triggers.services.locking import CHANGE
from apps.triggers.views.about import url_of

TONES = {
    TriggerRun.Outcome.WAITING: "idle",
    TriggerRun.Outcome.RUNNING: "busy",
    TriggerRun.Outcome.SUCCEEDED: "ok",
    TriggerRun.Outcome.FAILED: "bad",
    TriggerRun.Outcome.SKIPPED: "idle",
    TriggerRun.Outcome.MISSED: "warn",
    TriggerRun.Outcome.LOST: "warn",
}


@dataclass(frozen=True)
class Standing:
    """Whether it's on, in a word, and why not."""

    word: Text
    tone: str
    detail: str = ""


@dataclass(frozen=True)
class Moment:
    """A due time as the trigger's own clock shows it."""

    at: datetime
    local: str


def standing_of(trigger: Trigger) -> Standing:
    if not trigger.is_enabled:
        because = _(trigger.paused_because) if trigger.paused_because else ""
        return Standing(pgettext("a trigger", "paused"), "warn" if because else "idle", because)
    if waits(trigger):
        return Standing(_("waits for the gateway"), "idle", _("The gateway or its stage is switched off."))
    return Standing(pgettext("a trigger", "on"), "ok")


def moment_in(zone: str, at: datetime) -> Moment:
    local = at.astimezone(ZoneInfo(zone))
    return Moment(at, f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}")


def outcome_of(outcome: str) -> Standing:
    known = TriggerRun.Outcome(outcome)
    return Standing(known.label, TONES[known])


def took(run: TriggerRun) -> str:
    if run.started_at is None or run.ended_at is None:
        return ""
    seconds = (run.ended_at - run.started_at).total_seconds()
    return _("%(ms)d ms") % {"ms": seconds * 1000} if seconds < 10 else _("%(seconds)d s") % {"seconds": seconds}


def offers_for(trigger: Trigger, actor: Member) -> list[Offer]:
    found = []
    if actor.may("functions.call", stage=trigger.stage):
        found.append(Offer("run", _("Run now"), "play", url_of("run", trigger)))
    if actor.may(CHANGE, stage=trigger.stage):
        found.append(Offer("change", _("Change"), "edit", url_of("change", trigger), "sheet"))
        if trigger.is_enabled:
            found.append(Offer("pause", _("Pause"), "pause", url_of("pause", trigger)))
        else:
            found.append(Offer("resume", _("Resume"), "play", url_of("resume", trigger)))
        found.append(Offer("delete", _("Delete"), "trash", url_of("delete", trigger), is_dangerous=True))
    return found


def stages_for(actor: Member) -> list[str]:
    """In which somebody may set triggers."""
    return stages_where(actor, CHANGE)
