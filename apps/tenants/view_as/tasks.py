from datetime import datetime

from apps.accounts.models import User
from apps.core.queue.tasks import task
from apps.tenants.view_as.history import Ended, end_viewing
from apps.tenants.view_as.viewing import LASTS, Viewing


@task(atomic=True)
def write_down_end(look_id: str, operator_id: str, person_id: str, started_at: str) -> None:
    """For an operator who closed the browser and never came back; where the end is written down, it does nothing."""
    start = datetime.fromisoformat(started_at)
    viewing = Viewing(look_id, operator_id, person_id, "", start, start + LASTS)
    operator = User.objects.filter(pk=operator_id).first()
    if operator is not None:
        end_viewing(actor=operator, viewing=viewing, how=Ended.BY_TIME)
