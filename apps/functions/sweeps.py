from datetime import timedelta

from apps.core.queue.sweeper import sweep
from apps.functions.sweeping import empty_bin, forget_old_versions, forget_unused_artifacts


@sweep(every=timedelta(hours=1))
def empty_recycle_bins() -> None:
    empty_bin()


@sweep(every=timedelta(minutes=30))
def forget_versions() -> None:
    forget_old_versions()
    forget_unused_artifacts()
