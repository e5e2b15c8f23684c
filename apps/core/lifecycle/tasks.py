from apps.core.lifecycle import kernel
from apps.core.lifecycle.machine import TASK_TIMEOUT, machine_named
from apps.core.queue.tasks import task


# The row knows when it's tried again; the queue need not
@task(timeout=TASK_TIMEOUT, attempts=1)
def advance_row(machine_name: str, row_id: str) -> None:
    kernel.advance(machine_named(machine_name), row_id)
