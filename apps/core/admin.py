"""The floor's own pages in the operators' admin, each written beside what it shows."""

from apps.core.lifecycle.admin import LifecycleEventAdmin
from apps.core.mail.admin import MailAdmin
from apps.core.processes.admin import ProcessAdmin

__all__ = ["LifecycleEventAdmin", "MailAdmin", "ProcessAdmin"]
