"""The floor's own tasks, each written beside what it is about."""

from apps.core.lifecycle import tasks as lifecycle_tasks
from apps.core.mail import tasks as mail_tasks

__all__ = ["lifecycle_tasks", "mail_tasks"]
