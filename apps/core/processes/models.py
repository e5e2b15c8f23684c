"""The processes that run, as they say themselves."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.ids import IdField

__all__ = ["ProcessHeartbeat"]


class ProcessHeartbeat(models.Model):
    """A process writes its row every few seconds; a row that stays behind tells of a process that died."""

    id = IdField(prefix="proc")
    kind = models.CharField(_("kind"), max_length=40)
    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process id"))
    version = models.CharField(_("version"), max_length=40)
    started_at = models.DateTimeField(_("started"), default=clock.now)
    seen_at = models.DateTimeField(_("last seen"), default=clock.now)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        ordering = ["kind", "host", "pid"]
        constraints = [models.UniqueConstraint(fields=["kind", "host", "pid"], name="one_heartbeat_a_process")]
        indexes = [models.Index(fields=["seen_at"], name="heartbeat_seen")]

    def __str__(self) -> str:
        return f"{self.kind} {self.host}:{self.pid}"
