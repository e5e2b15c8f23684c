from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock
from apps.core.ids import IdField
from apps.core.versions import Versioned
from apps.functions.models import LONGEST_METHOD, LONGEST_NAME
from apps.gateways.models import LONGEST_ACTOR, FunctionGateway
from apps.gateways.sizes import StageName
from apps.tenants.models import TenantOwned
from apps.triggers.cron import LONGEST_EXPRESSION

LONGEST_NOTE, LONGEST_ZONE, LONGEST_PATH, LONGEST_QUERY, LONGEST_REASON = 200, 64, 500, 1_000, 300


class Trigger(Versioned, TenantOwned):
    """Calls a function whenever a cron expression says so."""

    class Overlap(models.TextChoices):
        """What happens where it's due while a run before is still under way."""

        SKIP = "skip", _("Leave it out")
        QUEUE = "queue", _("Wait for its end")
        PARALLEL = "parallel", _("Run beside it")

    class Missed(models.TextChoices):
        """What happens once it can run again, where it was due and couldn't."""

        SKIP = "skip", _("Leave them out")
        ONCE = "once", _("Run once")

    id = IdField(prefix="trg")
    gateway = models.ForeignKey(
        FunctionGateway, on_delete=models.CASCADE, related_name="triggers", verbose_name=_("gateway")
    )
    gateway_id: str
    stage = models.CharField(_("stage"), max_length=16, choices=StageName)
    # Of the function, without its stage
    base_name = models.CharField(_("function"), max_length=LONGEST_NAME)
    expression = models.CharField(_("when"), max_length=LONGEST_EXPRESSION)
    zone = models.CharField(_("time zone"), max_length=LONGEST_ZONE, default="UTC")
    method = models.CharField(_("method"), max_length=LONGEST_METHOD, default="POST")
    # As the function sees them
    path = models.CharField(_("path"), max_length=LONGEST_PATH)
    query = models.CharField(_("query"), max_length=LONGEST_QUERY, blank=True)
    # The body, as JSON; null: none
    payload = models.JSONField(_("payload"), null=True)
    overlap = models.CharField(_("while one runs"), max_length=16, choices=Overlap, default=Overlap.SKIP)
    missed = models.CharField(_("missed runs"), max_length=16, choices=Missed, default=Missed.SKIP)
    note = models.CharField(_("note"), max_length=LONGEST_NOTE, blank=True)
    is_enabled = models.BooleanField(_("on"), default=True)
    # Why, where nobody did it by hand
    paused_because = models.CharField(max_length=LONGEST_REASON, blank=True, editable=False)
    # When it's due; null: it's paused, or waits for its gateway
    next_at = models.DateTimeField(_("next run"), null=True, editable=False)
    # The first time that it was due while its gateway couldn't be called
    held_at = models.DateTimeField(null=True, editable=False)
    created_by = models.CharField(max_length=LONGEST_ACTOR, blank=True, editable=False)
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("cron trigger")
        verbose_name_plural = _("cron triggers")
        indexes = [
            models.Index(fields=["tenant", "created_at", "id"], name="trigger_age"),
            models.Index(fields=["gateway", "stage", "base_name"], name="trigger_function"),
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="trigger_due"),
            models.Index(fields=["gateway"], condition=Q(held_at__isnull=False), name="trigger_held"),
        ]

    def __str__(self) -> str:
        return f"{self.function_name} {self.expression}"

    @property
    def function_name(self) -> str:
        return f"{self.stage}/{self.base_name}"


class TriggerRun(TenantOwned):
    """That a trigger was due once, and what became of it."""

    class Kind(models.TextChoices):
        DUE = "due", pgettext_lazy("a run of a trigger", "due")
        CATCH_UP = "catch-up", _("catching up")
        MANUAL = "manual", _("by hand")

    class Outcome(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        # The function answered with an error, or not at all
        FAILED = "failed", _("failed")
        # It was let be, as one before it still ran
        SKIPPED = "skipped", _("left out")
        MISSED = "missed", _("missed")
        # It had begun when the platform was interrupted
        LOST = "lost", _("not known")

    OPEN = (Outcome.WAITING, Outcome.RUNNING)

    id = IdField(prefix="trr")
    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="runs")
    trigger_id: str
    gateway = models.ForeignKey(FunctionGateway, on_delete=models.CASCADE, related_name="+")
    gateway_id: str
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.DUE)
    due_at = models.DateTimeField(_("due"))
    # How many times it stands for that were missed
    missed_count = models.PositiveIntegerField(default=0)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome, default=Outcome.WAITING)
    # Who wanted it at once
    by = models.CharField(_("by"), max_length=LONGEST_ACTOR, blank=True)
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    status = models.PositiveIntegerField(_("status"), null=True)
    error = models.CharField(_("error"), max_length=LONGEST_REASON, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    # Who runs it holds it until then; `attempts` counts them
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    # While it waits: not before then
    not_before = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("run of a trigger")
        verbose_name_plural = _("runs of triggers")
        constraints = [models.UniqueConstraint(fields=["trigger", "due_at"], name="trigger_run_once")]
        indexes = [
            models.Index(
                fields=["not_before", "due_at"],
                condition=Q(outcome__in=["waiting", "running"]),
                name="trigger_run_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trigger_id} {self.due_at:%Y-%m-%d %H:%M:%S}"
