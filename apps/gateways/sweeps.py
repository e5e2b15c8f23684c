from datetime import timedelta

from apps.core.clock import now
from apps.core.lifecycle import wake
from apps.core.queue.sweeper import sweep
from apps.gateways.leftovers import remove_leftovers
from apps.gateways.lifecycle.custom_domains import CUSTOM_DOMAIN
from apps.gateways.models import CustomDomain

AT_ONCE = 500


@sweep(every=timedelta(minutes=10))
def remove_what_gateways_left() -> None:
    remove_leftovers()


@sweep(every=timedelta(minutes=5))
def check_proven_domains() -> None:
    """Each once a day: a host may be somebody else's by now."""
    rows = CustomDomain.objects.filter(check_at__lte=now(), due_at=None).order_by("check_at")
    for pk in rows.values_list("pk", flat=True)[:AT_ONCE]:
        wake(CUSTOM_DOMAIN, pk)
