from datetime import timedelta

from apps.core.clock import now
from apps.core.queue.sweeper import sweep
from apps.fleet.models import Agent, RefreshToken, RegistrationToken
from apps.fleet.selectors import is_silent
from apps.fleet.services.sessions import close_lost

# To see who came in with which token, and who was revoked
KEPT_FOR = timedelta(days=90)


@sweep(every=timedelta(seconds=5))
def close_lost_streams() -> None:
    """Nobody says goodbye for a server or an agent that was killed."""
    silent = Agent.objects.filter(is_silent()).exclude(session_id="")
    for cluster_id in sorted(set(silent.values_list("cluster_id", flat=True))):
        close_lost(cluster_id)


@sweep(every=timedelta(hours=1))
def forget_ended() -> None:
    RefreshToken.objects.filter(expires_at__lte=now()).delete()
    RegistrationToken.objects.filter(expires_at__lte=now() - KEPT_FOR).delete()
    Agent.objects.filter(revoked_at__lte=now() - KEPT_FOR).delete()
