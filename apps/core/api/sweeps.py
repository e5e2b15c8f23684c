from datetime import timedelta

from apps.core.api.idempotency import forget_expired
from apps.core.queue.sweeper import sweep


@sweep(every=timedelta(minutes=10), timeout=timedelta(minutes=1))
def forget_idempotency_keys() -> None:
    """A key has its day; then the answer, which may hold what the person alone should have, is gone."""
    forget_expired()
