from datetime import timedelta

from apps.core.queue.tasks import task
from apps.functions.dependencies.applying import apply
from apps.functions.dependencies.refusing import Refused
from apps.functions.dependencies.resolving import resolve
from apps.functions.dependencies.services import UNDER_WAY, tell_pages
from apps.functions.models import Dependencies

# Fetching and bundling end by themselves before it
TIMEOUT = timedelta(seconds=80)


@task(timeout=TIMEOUT, attempts=2)
def resolve_dependencies(pk: str, attempt: int) -> None:
    """What was asked for, or why not. Somebody who asked for something else meanwhile isn't answered by it.

    Whatever else it ends by, it's tried again; after the last try operators find it among failed tasks, and a sweep
    tells whoever waits.
    """
    row = Dependencies.objects.filter(pk=pk, attempt=attempt, state__in=UNDER_WAY).select_related("gateway").first()
    if row is None:
        return
    try:
        lock_text = row.lock.lock_file if row.lock else ""
        resolved = None
        if row.wanted:
            resolved = resolve(row.wanted, lock_text=lock_text, doing=lambda step: _say(row, attempt, step))
        _say(row, attempt, "compiling")
        apply(row, attempt, resolved)
    except Refused as refused:
        _refuse(row, attempt, refused)


def _say(row: Dependencies, attempt: int, step: str) -> None:
    rows = Dependencies.objects.filter(pk=row.pk, attempt=attempt, state__in=UNDER_WAY)
    if rows.update(state=Dependencies.State.RESOLVING, step=step):
        tell_pages(row)


def _refuse(row: Dependencies, attempt: int, refused: Refused) -> None:
    rows = Dependencies.objects.filter(pk=row.pk, attempt=attempt, state__in=UNDER_WAY)
    told = rows.update(
        state=Dependencies.State.FAILED,
        step="",
        because=refused.because,
        because_of=refused.words,
        fault=refused.package,
        findings=list(refused.findings),
    )
    if told:
        tell_pages(row)
