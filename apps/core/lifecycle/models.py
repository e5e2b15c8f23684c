from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.ids import IdField
from apps.core.leases import Leased


class Living(Leased):
    """A row with a life cycle. The app adds what is wanted (`state`) and how far it has come (`phase`).

    People's services write the first, the kernel alone the second and the columns below.
    """

    phase = models.CharField(max_length=16, editable=False)
    phase_at = models.DateTimeField(_("in this phase since"), default=clock.now, editable=False)
    # What of this phase is done; empty at its beginning
    checkpoint = models.CharField(_("step that is done"), max_length=40, blank=True, editable=False)
    checkpoint_at = models.DateTimeField(_("done at"), default=clock.now, editable=False)
    # When somebody should look at it; null: at rest
    due_at = models.DateTimeField(_("due"), null=True, default=clock.now, editable=False)
    # When a worker was last told, so that the sweep doesn't tell it again at once
    hinted_at = models.DateTimeField(default=clock.now, editable=False)
    # Counts each reason to look, so that one that comes during a step isn't lost
    wakes = models.PositiveBigIntegerField(default=0, editable=False)
    # Tries since it last came further, counted before they're made
    attempts = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    # Why it doesn't come further: English, with its parts apart, to be translated when it's shown
    because = models.TextField(blank=True, editable=False)
    because_of = models.JSONField(default=dict, editable=False)
    # It won't be tried again before somebody asks for it
    has_stopped = models.BooleanField(_("has given up"), default=False, editable=False)

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="%(class)s_due")]


class LifecycleEvent(models.Model):
    """A line of a row's timeline. Equal tries that follow each other are one line with a count."""

    class Kind(models.TextChoices):
        WISHED = "wished", _("Wished")
        MOVED = "moved", _("Moved")
        DONE = "done", _("Done")
        WAITS = "waits", _("Waits")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")
        RELEASED = "released", _("Released")
        FORCED = "forced", _("Forced")
        NOTED = "noted", _("Noted")

    id = IdField(prefix="le")
    # Empty: nobody's but the operators'
    tenant_id = models.CharField(_("workspace's id"), max_length=40, blank=True, db_collation="C")
    machine = models.CharField(_("life cycle of"), max_length=40)
    subject_id = models.CharField(_("object's id"), max_length=40, db_collation="C")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    # The phase it happened in, and the step
    phase = models.CharField(_("phase"), max_length=16, blank=True)
    step = models.CharField(_("step"), max_length=40, blank=True)
    because = models.TextField(blank=True)
    because_of = models.JSONField(default=dict)
    # From coming to this step to the end of it
    ms = models.PositiveIntegerField(_("milliseconds"), null=True)
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    count = models.PositiveIntegerField(_("times"), default=1)
    # Who wanted it, or which worker tried it
    actor_id = models.CharField(max_length=40, blank=True)
    actor_label = models.CharField(_("who"), max_length=200, blank=True)
    worker = models.CharField(_("worker"), max_length=200, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    next_at = models.DateTimeField(_("next try"), null=True)
    at = models.DateTimeField(_("first met"), default=clock.now)
    last_at = models.DateTimeField(_("last met"), default=clock.now)

    class Meta:
        verbose_name = _("line of a timeline")
        verbose_name_plural = _("lines of timelines")
        indexes = [
            models.Index(fields=["subject_id", "id"], name="lifecycle_subject"),
            models.Index(fields=["at"], name="lifecycle_at"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_id} {self.kind} {self.step or self.phase}"
