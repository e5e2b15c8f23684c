"""What is wanted of triggers, a file for each thing that is done to them."""

from apps.triggers.services.changing import change_trigger, pause_trigger, resume_trigger
from apps.triggers.services.creating import create_trigger
from apps.triggers.services.deleting import delete_trigger
from apps.triggers.services.running import run_trigger

__all__ = [
    "change_trigger",
    "create_trigger",
    "delete_trigger",
    "pause_trigger",
    "resume_trigger",
    "run_trigger",
]
