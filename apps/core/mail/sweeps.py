from datetime import timedelta

from apps.core import clock
from apps.core.mail.models import OutgoingMail
from apps.core.queue.sweeper import sweep

KEPT_FOR = timedelta(days=30)


@sweep(every=timedelta(hours=1))
def forget_old_mails() -> None:
    """They hold addresses and links; a month is enough to find out what became of one."""
    OutgoingMail.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()
