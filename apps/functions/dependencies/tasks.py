from datetime import timedelta

import structlog

from apps.core.queue.tasks import task
from apps.functions.compiling import CompilerFailed
from apps.functions.dependencies.applying import Overtaken, apply
from apps.functions.dependencies.refusing import FAILED, Refused
from apps.functions.dependencies.resolving import resolve
from apps.functions.dependencies.services import UNDER_WAY, tell_pages
from apps.functions.models import Dependencies

log = structlog.get_logger(__name__)

# Fetching and bundling end by themselves before it
TIMEOUT = timedelta(seconds=80)


@task(timeout=TIMEOUT, attempts=2)
def resolve_dependencies(pk: str, attempt: int) -> None:
    """What was asked for, or why not. Somebody who asked for something else meanwhile isn't answered by it."""
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
    except (Overtaken, CompilerFailed) as error:
        log.warning("dependencies can't be applied", dependencies=pk, error=repr(error))
        _refuse(row, attempt, Refused(FAILED))
    # Whoever waits for it is told, and the operators find it among failed tasks
    except Exception:
        _refuse(row, attempt, Refused(FAILED))
        raise


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
