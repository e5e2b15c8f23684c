"""The floor's own cleaning, each written beside what it cleans."""

from apps.core.api import sweeps as api_sweeps
from apps.core.events import sweeps as event_sweeps
from apps.core.lifecycle import sweeps as lifecycle_sweeps
from apps.core.mail import sweeps as mail_sweeps
from apps.core.processes import sweeps as processes_sweeps
from apps.core.queue import sweeps as queue_sweeps

__all__ = ["api_sweeps", "event_sweeps", "lifecycle_sweeps", "mail_sweeps", "processes_sweeps", "queue_sweeps"]
