"""Tasks in the operators' admin, in place of django-q2's own pages, which would unpickle whatever they list.

They are here and not in `core`, because what operators do goes into the audit log, which stands above core.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.audit.services import Target, record
from apps.core.clock import now
from apps.core.durations import exactly
from apps.core.queue import selectors, services
from apps.core.queue.models import DelayedTask, QueuedTask, RunningTask, Sweep, TaskFailure, WaitingTask
from apps.core.web.admin import OperatorsAdmin

Acted = Sequence[QueuedTask | TaskFailure]


class TaskListAdmin(OperatorsAdmin):
    """Read only: what happens to tasks happens through the actions. The counts of all four lists stand on top."""

    list_before_template = "admin/tasks/counts.html"
    list_per_page = 50
    selector: Callable[[], models.QuerySet[Any]]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return type(self).selector()

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> list[str]:
        return [name for name in self.fields or () if isinstance(name, str)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """What the actions ask for."""
        return request.user.has_perm("core.change_queuedtask")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        counts = selectors.get_counts()
        lists = [
            (WaitingTask, counts.queued),
            (RunningTask, counts.running),
            (DelayedTask, counts.delayed),
            (TaskFailure, counts.failed),
            (Sweep, counts.sweeps),
        ]
        shown = [
            {
                "name": model._meta.verbose_name_plural,
                "count": count,
                "url": f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist",
                "current": model is self.model,
            }
            for model, count in lists
        ]
        response: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "task_lists": shown, "lag": exactly(counts.lag) if counts.lag else ""}
        )
        return response

    # --- Actions ---

    def act(
        self,
        request: HttpRequest,
        verb: str,
        change: Callable[[Collection[Any]], Acted],
        keys: Collection[Any],
    ) -> None:
        """Do it and write it down, or neither; say how many."""
        with transaction.atomic():
            acted = change(keys)
            for each in acted:
                record(
                    actor=request.user,
                    verb=verb,
                    target=Target(type="task", id=each.task_id, label=each.function),
                    after={"arguments": each.arguments, "attempts": each.attempts},
                )
        self.message_user(
            request,
            ngettext("Done for %(count)d task.", "Done for %(count)d tasks.", len(acted)) % {"count": len(acted)},
        )
        if missed := len(keys) - len(acted):
            text = ngettext(
                "%(count)d task was left alone: a worker has taken it meanwhile.",
                "%(count)d tasks were left alone: workers have taken them meanwhile.",
                missed,
            )
            self.message_user(request, text % {"count": missed}, messages.WARNING)

    def confirmed(
        self, request: HttpRequest, queryset: models.QuerySet[Any], action: str, title: Any
    ) -> HttpResponse | None:
        """None when they have said yes; else the page that names what would go."""
        if request.POST.get("confirmed"):
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "tasks": queryset,
            "action": action,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/tasks/confirm.html", context)

    @admin.action(description=_("Run now"), permissions=["operate"])
    def run_now(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self.act(request, "task.hastened", lambda keys: services.run_now(queue_ids=keys), list_keys(queryset))

    @admin.action(description=_("Remove from the queue"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse | None:
        title = _("Remove these tasks from the queue?")
        if (page := self.confirmed(request, queryset, "cancel", title)) is None:
            self.act(request, "task.dropped", lambda keys: services.cancel_tasks(queue_ids=keys), list_keys(queryset))
        return page

    @admin.action(description=_("Run again"), permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self.act(request, "task.retried", lambda keys: services.retry_failures(task_ids=keys), list_keys(queryset))

    @admin.action(description=_("Forget"), permissions=["operate"])
    def drop(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse | None:
        title = _("Forget these failed tasks?")
        if (page := self.confirmed(request, queryset, "drop", title)) is None:
            self.act(request, "task.dropped", lambda keys: services.drop_failures(task_ids=keys), list_keys(queryset))
        return page

    # --- Columns ---

    @admin.display(description=_("task"), ordering="function")
    def short_function(self, task: QueuedTask | TaskFailure) -> str:
        return short(task.function)

    @admin.display(description=_("arguments"))
    def shown_arguments(self, task: QueuedTask | TaskFailure) -> str:
        return ", ".join(f"{name}={value}" for name, value in task.arguments.items()) or "–"

    @admin.display(description=_("error"))
    def short_error(self, task: QueuedTask | TaskFailure) -> str:
        lines = task.error.strip().splitlines()
        return lines[-1][:160] if lines else "–"

    @admin.display(description=_("waits for"), ordering="due_at")
    def waits(self, task: Any) -> str:
        return exactly(now() - task.due_at)

    @admin.display(description=_("runs for"), ordering="claimed_at")
    def runs(self, task: QueuedTask) -> str:
        return exactly(now() - task.claimed_at) if task.claimed_at else "–"

    @admin.display(description=_("due in"), ordering="due_at")
    def due(self, task: Any) -> str:
        return exactly(task.due_at - now())

    @admin.display(description=_("due"), ordering="due_at")
    def due_moment(self, task: Any) -> str:
        return moment(task.due_at)

    @admin.display(description=_("age"), ordering="created_at")
    def age(self, task: QueuedTask | TaskFailure) -> str:
        return exactly(now() - task.created_at)


def list_keys(queryset: models.QuerySet[Any]) -> list[Any]:
    return list(queryset.values_list("pk", flat=True))


def short(path: str) -> str:
    """The app and the function; the whole path is on the task's own page."""
    parts = path.split(".")
    return f"{parts[1]}.{parts[-1]}" if parts[0] == "apps" and len(parts) > 2 else path


def moment(at: datetime | None) -> str:
    return date_format(localtime(at), "DATETIME_FORMAT") if at else "–"


TASK_FIELDS = ("task_id", "function", "shown_arguments", "request_id", "attempts", "error", "created_at")


@admin.register(WaitingTask)
class WaitingTaskAdmin(TaskListAdmin):
    selector = staticmethod(selectors.list_waiting)
    list_display = ("short_function", "shown_arguments", "waits", "attempts", "request_id", "short_error")
    search_fields = ("function", "task_id", "request_id")
    fields = (*TASK_FIELDS, "due_moment")
    actions = ("cancel",)


@admin.register(RunningTask)
class RunningTaskAdmin(TaskListAdmin):
    selector = staticmethod(selectors.list_running)
    list_display = ("short_function", "shown_arguments", "runs", "attempts", "request_id", "worker")
    search_fields = ("function", "task_id", "request_id")
    fields = (*TASK_FIELDS, "claimed_at", "worker")


@admin.register(DelayedTask)
class DelayedTaskAdmin(TaskListAdmin):
    selector = staticmethod(selectors.list_delayed)
    list_display = ("short_function", "shown_arguments", "due", "attempts", "request_id", "short_error")
    search_fields = ("function", "task_id", "request_id")
    fields = (*TASK_FIELDS, "due_moment")
    actions = ("run_now", "cancel")


@admin.register(TaskFailure)
class TaskFailureAdmin(TaskListAdmin):
    selector = staticmethod(selectors.list_failures)
    list_display = ("short_function", "shown_arguments", "failed_at", "attempts", "request_id", "short_error")
    search_fields = ("function", "task_id", "request_id", "error")
    list_filter = ("failed_at",)
    fields = (*TASK_FIELDS, "failed_at", "traceback")
    actions = ("retry", "drop")


@admin.register(Sweep)
class SweepAdmin(TaskListAdmin):
    selector = staticmethod(selectors.list_sweeps)
    list_display = ("short_name", "every_span", "due", "started_at", "took", "short_error")
    fields = ("name", "every", "timeout", "due_moment", "started_at", "ended_at", "error", "worker")

    @admin.display(description=_("sweep"), ordering="name")
    def short_name(self, sweep: Sweep) -> str:
        return short(sweep.name)

    @admin.display(description=_("every"), ordering="every")
    def every_span(self, sweep: Sweep) -> str:
        return exactly(sweep.every)

    @admin.display(description=_("took"))
    def took(self, sweep: Sweep) -> str:
        if sweep.worker:
            return str(_("runs"))
        if sweep.started_at is None or sweep.ended_at is None:
            return "–"
        return f"{(sweep.ended_at - sweep.started_at).total_seconds() * 1000:.0f} ms"
