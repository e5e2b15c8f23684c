"""Every pair of state and phase, and what follows from it. The state is what somebody wants, the phase what is.

WORK     the steps of the phase, and after the last of them the phase that they lead to
a phase  go there at once
REST     nothing to do
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    RUNNING = "running", _("running")
    STOPPED = "stopped", _("stopped")
    RESTARTING = "restarting", _("restarting")
    DELETED = "deleted", _("deleted")


class Phase(TextChoices):
    CREATING = "creating", _("creating")
    CREATED = "created", _("created")
    STARTING = "starting", _("starting")
    STARTED = "started", _("started")
    STOPPING = "stopping", _("stopping")
    STOPPED = "stopped", _("stopped")
    DELETING = "deleting", _("deleting")
    DELETED = "deleted", _("deleted")


class Do(StrEnum):
    WORK = "work"
    REST = "rest"


P = Phase
TABLE: Mapping[State, Mapping[Phase, Do | Phase]] = MappingProxyType(
    {
        State.RUNNING: {
            P.CREATING: Do.WORK,
            P.CREATED: P.STARTING,
            P.STARTING: Do.WORK,
            P.STARTED: Do.REST,
            P.STOPPING: P.STARTING,
            P.STOPPED: P.STARTING,
            P.DELETING: Do.WORK,
            P.DELETED: Do.REST,
        },
        State.STOPPED: {
            P.CREATING: Do.WORK,
            P.CREATED: P.STOPPED,
            P.STARTING: P.STOPPING,
            P.STARTED: P.STOPPING,
            P.STOPPING: Do.WORK,
            P.STOPPED: Do.REST,
            P.DELETING: Do.WORK,
            P.DELETED: Do.REST,
        },
        State.RESTARTING: {
            P.CREATING: Do.WORK,
            P.CREATED: P.STARTING,
            P.STARTING: Do.WORK,
            P.STARTED: P.STARTING,
            P.STOPPING: P.STARTING,
            P.STOPPED: P.STARTING,
            P.DELETING: Do.WORK,
            P.DELETED: Do.REST,
        },
        State.DELETED: {
            P.CREATING: P.DELETING,
            P.CREATED: P.DELETING,
            P.STARTING: P.DELETING,
            P.STARTED: P.DELETING,
            P.STOPPING: P.DELETING,
            P.STOPPED: P.DELETING,
            P.DELETING: Do.WORK,
            P.DELETED: Do.REST,
        },
    }
)

LEADS_TO: Mapping[Phase, Phase] = MappingProxyType(
    {P.CREATING: P.CREATED, P.STARTING: P.STARTED, P.STOPPING: P.STOPPED, P.DELETING: P.DELETED}
)


def follows(state: str, phase: str, *, is_changed: bool) -> Do | Phase:
    """What the table says; a started gateway whose wishes have changed since starts again, and calls don't notice."""
    found = TABLE[State(state)][Phase(phase)]
    return Phase.STARTING if found is Do.REST and phase == Phase.STARTED and is_changed else found
