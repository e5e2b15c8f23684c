"""What is known of tasks beside django-q2's own queue table: in plain columns, so that nothing has to be unpickled."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_q.models import OrmQ

from apps.core.clock import now

__all__ = ["DelayedTask", "QueuedTask", "RunningTask", "Sweep", "TaskFailure", "WaitingTask"]


class QueuedTask(models.Model):
    """One waiting or running task: the readable side of a row in django-q2's queue, and who has claimed it.

    `attempts` goes up with each claim, so a crash counts, and it is the claim's fence: a worker that isn't the
    latest to have claimed the task can't complete it.
    """

    # No constraint: both rows are written and removed by one statement, and its locks would cost at each task
    queue = models.OneToOneField(OrmQ, models.CASCADE, primary_key=True, db_constraint=False, related_name="described")
    task_id = models.CharField(_("task"), max_length=40, db_collation="C")
    function = models.CharField(_("function"), max_length=200)
    arguments = models.JSONField(_("arguments"), default=dict)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    error = models.TextField(_("last error"), blank=True)
    worker = models.CharField(_("worker"), max_length=200, blank=True)
    claimed_at = models.DateTimeField(_("claimed"), null=True)
    created_at = models.DateTimeField(_("queued"), default=now)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")

    def __str__(self) -> str:
        return f"{self.function} ({self.task_id})"


class WaitingTask(QueuedTask):
    """Due and not yet taken."""

    class Meta:
        proxy = True
        verbose_name = _("queued task")
        verbose_name_plural = _("queued tasks")


class RunningTask(QueuedTask):
    """Claimed by a worker."""

    class Meta:
        proxy = True
        verbose_name = _("running task")
        verbose_name_plural = _("running tasks")


class DelayedTask(QueuedTask):
    """Not due yet: delayed by whoever queued it, or waiting to be tried again."""

    class Meta:
        proxy = True
        verbose_name = _("delayed task")
        verbose_name_plural = _("delayed tasks")


class TaskFailure(models.Model):
    """A task that won't run again by itself. It keeps its signed package, so that an operator can retry it."""

    task_id = models.CharField(_("task"), primary_key=True, max_length=40, db_collation="C")
    function = models.CharField(_("function"), max_length=200)
    arguments = models.JSONField(_("arguments"), default=dict)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"))
    error = models.TextField(_("error"))
    traceback = models.TextField(_("traceback"), blank=True)
    payload = models.TextField(editable=False)
    created_at = models.DateTimeField(_("queued"))
    failed_at = models.DateTimeField(_("failed"), default=now, db_index=True)

    class Meta:
        verbose_name = _("failed task")
        verbose_name_plural = _("failed tasks")

    def __str__(self) -> str:
        return f"{self.function} ({self.task_id})"


class Sweep(models.Model):
    """When a recurring function is due, and how its last run went."""

    name = models.CharField(_("function"), primary_key=True, max_length=200)
    every = models.DurationField(_("every"))
    timeout = models.DurationField(_("timeout"))
    due_at = models.DateTimeField(_("due"), default=now)
    worker = models.CharField(_("worker"), max_length=200, blank=True)
    running_until = models.DateTimeField(_("must end by"), null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("sweep")
        verbose_name_plural = _("sweeps")

    def __str__(self) -> str:
        return self.name
