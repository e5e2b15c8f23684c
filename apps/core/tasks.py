"""The floor's own tasks, each written beside what it is about."""

from apps.core.mail import tasks as mail_tasks

__all__ = ["mail_tasks"]
