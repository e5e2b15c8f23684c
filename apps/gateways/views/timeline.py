"""What a gateway is doing now, step by step, for its first page."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.errors import Text
from apps.core.lifecycle.timeline import Kind
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.gateways.progress import Line, Progress, Standing, StepProgress, progress_of, tell, timeline_of
from apps.gateways.views.live import Part, render_part
from apps.gateways.views.shown import seconds_told

PAGE = "gateways/detail.html"
# About as tall as the steps beside them
RECENT = 8
# Kind → the word's tone and the word, as programs write it
LEVELS: dict[str, tuple[str, str]] = {
    Kind.WISHED: ("idle", "wish"),
    Kind.MOVED: ("idle", "info"),
    Kind.DONE: ("ok", "ok"),
    Kind.WAITS: ("idle", "wait"),
    Kind.FAILED: ("warn", "warn"),
    Kind.STOPPED: ("bad", "error"),
    Kind.RELEASED: ("warn", "warn"),
    Kind.FORCED: ("warn", "warn"),
    Kind.NOTED: ("idle", "info"),
}


def timeline_parts(gateway: FunctionGateway) -> list[Part]:
    progress = progress_of(gateway)
    if progress is None:
        return [_said(""), render_part(f"{PAGE}#timeline", "timeline", {"progress": None})]
    steps = [_step_part(gateway, progress, step) for step in progress.steps]
    usual = f"{progress.usual_seconds:g}"
    clock = render_part(f"{PAGE}#clock", "clock", {"elapsed": f"{progress.seconds:.1f}", "usual": usual})
    is_creating = progress.phase == Phase.CREATING
    lines = [_lines_part(gateway)] if is_creating else []
    heading, lead = _headline(gateway, progress)
    context = {
        "progress": progress,
        "heading": heading,
        "lead": lead,
        "clock": clock,
        "steps": steps,
        "lines": lines[0] if lines else "",
        "is_creating": is_creating,
        "has_stopped": progress.has_stopped,
        "because": progress.because,
    }
    return [_said(_in_words(progress)), render_part(f"{PAGE}#timeline", "timeline", context, clock, *steps, *lines)]


def _said(text: str) -> Part:
    """For those who don't see it; the seconds would be read out again and again."""
    return render_part(f"{PAGE}#progress_said", "progress_said", {"said": text})


def _in_words(progress: Progress) -> str:
    counted = _("%(done)d of %(all)d steps done") % {"done": progress.done, "all": len(progress.steps)}
    return f"{counted}. {progress.doing.label}" if progress.doing else counted


def _headline(gateway: FunctionGateway, progress: Progress) -> tuple[Text, Text]:
    who = {"who": gateway.state_by or _("The platform")}
    if gateway.wanted == State.DELETED:
        return _("Deleting the gateway"), _("%(who)s asked for it. Traffic goes first, its data last.") % who
    if gateway.held_at:
        return _("Stopping, as the workspace is suspended"), _("It comes back by itself when that ends.")
    if progress.phase == Phase.CREATING:
        return _("Creating your gateway"), _("You can leave this page, it goes on.")
    if gateway.wanted == State.STOPPED:
        return _("Stopping"), _("%(who)s asked for it. Calls that are under way are finished.") % who
    if _has_a_runtime(gateway):
        lead = _("The previous runtime serves until this one is ready.")
        if gateway.state == State.RESTARTING:
            return _("Restarting"), f"{_('%(who)s asked for it.') % who} {lead}"
        return _("Starting the new runtime"), lead
    return _("Starting"), _("%(who)s asked for it.") % who


def _has_a_runtime(gateway: FunctionGateway) -> bool:
    """Routes lead to one, which goes on until another takes its place."""
    domain = getattr(gateway, "domain", None)
    return domain is not None and domain.phase == Phase.STARTED


def _step_part(gateway: FunctionGateway, progress: Progress, step: StepProgress) -> Part:
    is_doing = step.standing is Standing.DOING
    status = {Standing.DONE: "done", Standing.DOING: "active"}.get(step.standing, "")
    if is_doing and progress.has_stopped:
        status = "failed"
    context = {
        "step": step,
        "status": status,
        "elapsed": f"{step.seconds or 0:.1f}",
        "note": _note(progress, step),
        "next_in": _whole_seconds(step.next_at - now()) if step.next_at else 0,
    }
    return render_part(f"{PAGE}#step", f"step-{step.phase}-{step.name}", context)


def _note(progress: Progress, step: StepProgress) -> str:
    if step.standing is Standing.DONE:
        return seconds_told(step.seconds)
    if step.standing is Standing.DOING:
        # After the seconds, which count as long as it tries
        return f". {step.because}" if step.because and not progress.has_stopped else step.because
    if step.name == "routes" and step.phase == Phase.STARTING:
        return _("Wait for the runtime, so nobody meets a 503")
    return _("Last step") if step is progress.steps[-1] else ""


def _lines_part(gateway: FunctionGateway) -> Part:
    lines = [shown(tell(line)) for line in timeline_of(gateway)[:RECENT]]
    return render_part(f"{PAGE}#lines", "lines", {"lines": lines})


def shown(line: Line) -> dict[str, Any]:
    tone, level = LEVELS.get(line.kind, ("idle", line.kind))
    return {"line": line, "tone": tone, "level": level, "text": line.text, "at": line.at}


def _whole_seconds(span: timedelta) -> int:
    return max(0, round(span.total_seconds()))
