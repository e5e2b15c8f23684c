from datetime import timedelta

from django.db.models import Exists, OuterRef

from apps.core import clock
from apps.core.queue.sweeper import sweep
from apps.functions.dependencies.refusing import FAILED
from apps.functions.dependencies.services import ABANDONED_AFTER, UNDER_WAY, tell_pages
from apps.functions.models import Artifact, Dependencies, Lock

# Whoever built a function with one may be about to write that down
UNUSED_FOR = timedelta(days=1)


@sweep(every=timedelta(minutes=1))
def end_abandoned_changes() -> None:
    """Whoever was at it has ended without a word: it's said, and nothing has changed."""
    for row in Dependencies.objects.filter(state__in=UNDER_WAY, asked_at__lt=clock.now() - ABANDONED_AFTER):
        rows = Dependencies.objects.filter(pk=row.pk, attempt=row.attempt, state__in=UNDER_WAY)
        if rows.update(state=Dependencies.State.FAILED, step="", because=FAILED, because_of={}):
            tell_pages(row)


@sweep(every=timedelta(hours=1))
def forget_unused_locks() -> None:
    """Those that neither a gateway nor anything that was built with one needs."""
    is_current = Exists(Dependencies.objects.filter(lock=OuterRef("pk")))
    is_built_with = Exists(Artifact.objects.filter(gateway=OuterRef("gateway"), vendor=OuterRef("digest")))
    Lock.objects.filter(~is_current, ~is_built_with, made_at__lt=clock.now() - UNUSED_FOR).delete()
