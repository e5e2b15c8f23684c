import structlog
from django.db import InterfaceError, OperationalError

from apps.core.lifecycle import kernel
from apps.core.lifecycle.machine import TASK_TIMEOUT, machine_named
from apps.core.queue.tasks import task

log = structlog.get_logger(__name__)


# The row knows when it's tried again; the queue need not
@task(timeout=TASK_TIMEOUT, attempts=1)
def advance_row(machine_name: str, row_id: str) -> None:
    try:
        kernel.advance(machine_named(machine_name), row_id)
    except (OperationalError, InterfaceError) as error:
        # Nothing could be written of the row; its lease ends by itself, and the sweep finds it
        log.warning("row waits for the database", machine=machine_name, row=row_id, error=str(error).strip())
