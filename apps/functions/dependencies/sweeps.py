from datetime import timedelta

from django.db.models import Exists, OuterRef

from apps.core import clock
from apps.core.queue.models import QueuedTask
from apps.core.queue.sweeper import sweep
from apps.core.queue.tasks import task_of
from apps.functions.dependencies.refusing import FAILED
from apps.functions.dependencies.services import UNDER_WAY, tell_pages
from apps.functions.dependencies.tasks import resolve_dependencies
from apps.functions.models import Artifact, Dependencies, Lock

# Whoever built a function with one may be about to write that down
UNUSED_FOR = timedelta(days=1)


@sweep(every=timedelta(seconds=5))
def end_abandoned_changes() -> None:
    """Nobody is at it any more, as its task has failed or is gone: it's said, and nothing has changed."""
    name = task_of(resolve_dependencies).name
    for row in Dependencies.objects.filter(state__in=UNDER_WAY):
        if QueuedTask.objects.filter(function=name, arguments={"pk": row.pk, "attempt": row.attempt}).exists():
            continue
        # One that ended a moment ago has written down how
        rows = Dependencies.objects.filter(pk=row.pk, attempt=row.attempt, state__in=UNDER_WAY)
        if rows.update(state=Dependencies.State.FAILED, step="", because=FAILED, because_of={}):
            tell_pages(row)


@sweep(every=timedelta(hours=1))
def forget_unused_locks() -> None:
    """Those that neither a gateway nor anything that was built with one needs."""
    is_current = Exists(Dependencies.objects.filter(lock=OuterRef("pk")))
    is_built_with = Exists(Artifact.objects.filter(gateway=OuterRef("gateway"), vendor=OuterRef("digest")))
    Lock.objects.filter(~is_current, ~is_built_with, made_at__lt=clock.now() - UNUSED_FOR).delete()
