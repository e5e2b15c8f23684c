"""What may be done about a gateway that doesn't move, each with what it would do now."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.errors import Text
from apps.gateways.lifecycle.diagnosis import Cure, Remedy, Sentence, Sight
from apps.gateways.lifecycle.rules import SERVING, holders, is_at_rest, is_there, loses_domain, misses_parts, serves
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.sizes import StageName

MEND, FORCE = "gateways.mend", "gateways.force_phase"
NOTHING_LOST = Sentence(gettext_noop("Stages, database, variables and secrets stay as they are."))
NO_CHANGE = Sentence(gettext_noop("Nothing changes for callers."))
NO_UNDO = Sentence(gettext_noop("There is nothing to undo."))
GETS_404 = Sentence(gettext_noop("Callers get 404 until it's started."))
ARE_SERVED = Sentence(gettext_noop("Callers are served once its routes are open, a few seconds from now."))
STAY_SERVED = Sentence(gettext_noop("Callers are served all the while."))


def remedies_for(sight: Sight) -> tuple[Remedy, ...]:
    return (_finish(sight), _start(sight), _retry(sight), _release(sight), _force(sight))


def phase_to_finish(sight: Sight) -> Phase:
    """Where the steps begin that bring about what is wanted, and find on the way what is missing."""
    if sight.gateway.phase == Phase.DELETED or sight.gateway.wanted == State.DELETED:
        return Phase.DELETING
    if misses_parts(sight):
        return Phase.CREATING
    return Phase.STOPPING if sight.gateway.wanted == State.STOPPED else Phase.STARTING


def callers_now(sight: Sight) -> Sentence:
    """What calls meet while nothing is done."""
    if serves(sight):
        return Sentence(gettext_noop("Callers are served."))
    if is_there(sight.bundles.get("routes")):
        return Sentence(gettext_noop("Callers get errors: there are routes, and no process is ready behind them."))
    return Sentence(gettext_noop("Callers get 404: there are no routes to it."))


def _finish(sight: Sight) -> Remedy:
    wanted = State.DELETED if sight.gateway.phase == Phase.DELETED else sight.gateway.wanted
    if wanted == State.DELETED:
        return _finish_deletion(sight)
    does = [*_mend_domain(sight), *_make_missing(sight)]
    if wanted == State.STOPPED:
        does += _close(sight)
    else:
        does += _bring_up()
    label, ends_as, callers, undo = _ending(sight, wanted)
    return Remedy(
        Cure.FINISH,
        label,
        Sentence(gettext_noop("Goes through its steps again from the first; each does only what is missing.")),
        tuple(does),
        ends_as,
        callers,
        NOTHING_LOST,
        undo,
        is_safe=True,
        permission=MEND,
    )


def _ending(sight: Sight, wanted: State) -> tuple[Text, Text, Sentence, Sentence]:
    if wanted == State.STOPPED:
        return (
            _("Finish the stop"),
            Phase.STOPPED.label,
            GETS_404,
            Sentence(gettext_noop("Start the gateway.")),
        )
    return (
        _("Finish the start"),
        Phase.STARTED.label,
        STAY_SERVED if serves(sight) else ARE_SERVED,
        Sentence(gettext_noop("Stop the gateway.")),
    )


def _finish_deletion(sight: Sight) -> Remedy:
    does = []
    if sight.domain or sight.bundles.get("routes"):
        does.append(Sentence(gettext_noop("Close its routes and remove its domain")))
    if sight.stages:
        does.append(Sentence(gettext_noop("Remove its stages: %(count)s"), {"count": sight.stages}))
    if sight.bundles.get("runtime"):
        does.append(Sentence(gettext_noop("End its processes")))
    if sight.database:
        does.append(Sentence(gettext_noop("Drop its database with all that is in it")))
    if sight.variables or sight.bundles.get("configuration"):
        does.append(Sentence(gettext_noop("Remove its variables and secrets: %(count)s"), {"count": sight.variables}))
    if sight.bundles.get("namespace"):
        does.append(Sentence(gettext_noop("Remove its namespace from %(cluster)s"), {"cluster": sight.gateway.cluster}))
    return Remedy(
        Cure.FINISH,
        _("Finish the deletion"),
        Sentence(gettext_noop("Removes what is left of it, as was wanted.")),
        tuple(does),
        Phase.DELETED.label,
        Sentence(gettext_noop("Callers get 404 for good.")),
        Sentence(gettext_noop("The audit log and its timeline.")),
        Sentence(gettext_noop("There is no way back: its data is gone then.")),
        is_safe=sight.database is None,
        permission=MEND,
    )


def _mend_domain(sight: Sight) -> list[Sentence]:
    domain = sight.domain
    if domain is None or not loses_domain(sight):
        return []
    done = []
    if domain.phase != Phase.DELETED:
        done.append(Sentence(gettext_noop("Let the deletion of its domain end")))
    return [*done, Sentence(gettext_noop("Make its domain anew, under the same names"))]


def _make_missing(sight: Sight) -> list[Sentence]:
    missing = []
    if not is_there(sight.bundles.get("namespace")):
        missing.append(Sentence(gettext_noop("Make its namespace in %(cluster)s"), {"cluster": sight.gateway.cluster}))
    if sight.domain is None:
        missing.append(Sentence(gettext_noop("Make its domain")))
    if sight.stages < len(StageName):
        lacking = len(StageName) - sight.stages
        missing.append(Sentence(gettext_noop("Make the stages that are missing: %(count)s"), {"count": lacking}))
    if sight.database is None:
        missing.append(Sentence(gettext_noop("Make an empty database")))
    return missing


def _close(sight: Sight) -> list[Sentence]:
    done = []
    if sight.bundles.get("routes") or (sight.domain and sight.domain.phase in SERVING):
        done.append(Sentence(gettext_noop("Close its routes")))
    if sight.bundles.get("runtime"):
        done.append(Sentence(gettext_noop("End its processes")))
    return done


def _bring_up() -> list[Sentence]:
    return [
        Sentence(gettext_noop("Bring its configuration and processes up to date")),
        Sentence(gettext_noop("Open its routes")),
    ]


def _start(sight: Sight) -> Remedy:
    gateway, cant = sight.gateway, None
    if gateway.state == State.DELETED or gateway.phase in (Phase.DELETING, Phase.DELETED):
        cant = Sentence(gettext_noop("What is being deleted can't be brought back."))
    elif gateway.held_at:
        cant = Sentence(gettext_noop("Its workspace is suspended; it starts by itself when that ends."))
    elif gateway.wanted != State.STOPPED:
        cant = Sentence(gettext_noop("It's wanted running already."))
    return Remedy(
        Cure.START,
        _("Start it again"),
        Sentence(gettext_noop("Forgets that it was to be stopped.")),
        (*_mend_domain(sight), *_make_missing(sight), *_bring_up()),
        Phase.STARTED.label,
        ARE_SERVED,
        NOTHING_LOST,
        Sentence(gettext_noop("Stop the gateway.")),
        is_safe=True,
        permission=MEND,
        cant_because=cant,
    )


def _retry(sight: Sight) -> Remedy:
    domain = sight.domain
    has_nothing = is_at_rest(sight) and not sight.gateway.has_stopped and (
        domain is None or (domain.due_at is None and not domain.has_stopped)
    )  # fmt: skip
    return Remedy(
        Cure.RETRY,
        _("Try again now"),
        Sentence(gettext_noop("Doesn't wait for the next try; waits begin anew with short ones.")),
        (Sentence(gettext_noop("Try the step that it's at")),),
        sight.gateway.get_phase_display() if has_nothing else Phase(_goal(sight)).label,
        NO_CHANGE,
        NOTHING_LOST,
        NO_UNDO,
        is_safe=True,
        permission=MEND,
        cant_because=Sentence(gettext_noop("It's at rest: no step is waiting.")) if has_nothing else None,
    )


def _goal(sight: Sight) -> Phase:
    if sight.gateway.wanted == State.DELETED:
        return Phase.DELETED
    return Phase.STOPPED if sight.gateway.wanted == State.STOPPED else Phase.STARTED


def _release(sight: Sight) -> Remedy:
    held = holders(sight)
    return Remedy(
        Cure.RELEASE,
        _("Release the lease"),
        Sentence(gettext_noop("Another worker takes it at once. What the one that holds it does now isn't counted.")),
        (
            Sentence(gettext_noop("Cut off the worker that holds it")),
            Sentence(gettext_noop("Let another do the same step again")),
        ),
        Phase(_goal(sight)).label,
        NO_CHANGE,
        NOTHING_LOST,
        NO_UNDO,
        is_safe=True,
        permission=MEND,
        cant_because=None if held else Sentence(gettext_noop("Nobody holds one.")),
    )


def _force(sight: Sight) -> Remedy:
    here = {"phase": Phase(sight.gateway.phase).label}
    return Remedy(
        Cure.FORCE,
        _("Force a phase"),
        Sentence(gettext_noop("Says where the gateway stands, whatever is true. The last resort.")),
        (
            Sentence(gettext_noop("Write the phase that you choose, without a look at what is there")),
            Sentence(gettext_noop("Go on from there, as what is wanted of it asks")),
        ),
        _("the phase that you choose, then on to what is wanted"),
        Sentence(gettext_noop("What callers meet depends on the phase.")),
        Sentence(gettext_noop("Whatever the steps from that phase on leave as it is.")),
        Sentence(gettext_noop("Force it back to %(phase)s."), here),
        is_safe=False,
        permission=FORCE,
        needs_reason=True,
    )
