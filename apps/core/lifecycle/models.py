from django.db import models

from apps.core import clock
from apps.core.ids import IdField
from apps.core.leases import Leased


class Living(Leased):
    """A row with a life cycle. The app adds what is wanted (`state`) and how far it has come (`phase`).

    People's services write the first, the kernel alone the second and the columns below.
    """

    phase = models.CharField(max_length=16, editable=False)
    phase_at = models.DateTimeField(default=clock.now, editable=False)
    # What of this phase is done; empty at its beginning
    checkpoint = models.CharField(max_length=40, blank=True, editable=False)
    checkpoint_at = models.DateTimeField(default=clock.now, editable=False)
    # When somebody should look at it; null: at rest
    due_at = models.DateTimeField(null=True, default=clock.now, editable=False)
    # When a worker was last told, so that the sweep doesn't tell it again at once
    hinted_at = models.DateTimeField(default=clock.now, editable=False)
    # Counts each reason to look, so that one that comes during a step isn't lost
    wakes = models.PositiveBigIntegerField(default=0, editable=False)
    # Tries since it last came further, counted before they're made
    attempts = models.PositiveIntegerField(default=0, editable=False)
    # Why it doesn't come further: English, with its parts apart, to be translated when it's shown
    because = models.TextField(blank=True, editable=False)
    because_of = models.JSONField(default=dict, editable=False)
    # It won't be tried again before somebody asks for it
    has_stopped = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="%(class)s_due")]


class LifecycleEvent(models.Model):
    """A line of a row's timeline. Equal tries that follow each other are one line with a count."""

    class Kind(models.TextChoices):
        WISHED = "wished"
        MOVED = "moved"
        DONE = "done"
        WAITS = "waits"
        FAILED = "failed"
        STOPPED = "stopped"
        RELEASED = "released"
        FORCED = "forced"
        NOTED = "noted"

    id = IdField(prefix="le")
    # Empty: nobody's but the operators'
    tenant_id = models.CharField(max_length=40, blank=True, db_collation="C")
    machine = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=40, db_collation="C")
    kind = models.CharField(max_length=16, choices=Kind)
    # The phase it happened in, and the step
    phase = models.CharField(max_length=16, blank=True)
    step = models.CharField(max_length=40, blank=True)
    because = models.TextField(blank=True)
    because_of = models.JSONField(default=dict)
    # From coming to this step to the end of it
    ms = models.PositiveIntegerField(null=True)
    attempt = models.PositiveIntegerField(default=0)
    count = models.PositiveIntegerField(default=1)
    # Who wanted it, or which worker tried it
    actor_id = models.CharField(max_length=40, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    worker = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    next_at = models.DateTimeField(null=True)
    at = models.DateTimeField(default=clock.now)
    last_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["subject_id", "id"], name="lifecycle_subject"),
            models.Index(fields=["at"], name="lifecycle_at"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_id} {self.kind} {self.step or self.phase}"
