from datetime import timedelta

from django.db.models import Q

from apps.core import clock
from apps.core.queue.sweeper import sweep
from apps.tenants.models import Invitation

# People's addresses aren't kept for no purpose; what was done stays in the audit log
FORGOTTEN_AFTER = timedelta(days=90)


@sweep(every=timedelta(hours=1))
def forget_settled_invitations() -> None:
    """Those that nobody can accept any more, and nobody has sent again for long."""
    long_ago = clock.now() - FORGOTTEN_AFTER
    settled = Q(accepted_at__lt=long_ago) | Q(revoked_at__lt=long_ago) | Q(expires_at__lt=long_ago, accepted_at=None)
    Invitation.objects.filter(settled).delete()
