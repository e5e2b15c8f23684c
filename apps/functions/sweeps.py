from datetime import timedelta

from apps.core.queue.sweeper import sweep
from apps.functions.dependencies import sweeps as dependencies_sweeps
from apps.functions.publishing import compare_some, push_due, read_unsettled
from apps.functions.sweeping import empty_bin, forget_old_versions, forget_unused_artifacts

__all__ = ["dependencies_sweeps"]


@sweep(every=timedelta(hours=1))
def empty_recycle_bins() -> None:
    empty_bin()


@sweep(every=timedelta(minutes=30))
def forget_versions() -> None:
    forget_old_versions()
    forget_unused_artifacts()


@sweep(every=timedelta(seconds=1), timeout=timedelta(seconds=45))
def publish_what_is_due() -> None:
    """What the process that saved it could not tell: it ended, or the database was away."""
    push_due()


@sweep(every=timedelta(seconds=2), timeout=timedelta(seconds=45))
def read_what_runtimes_say() -> None:
    """Where nobody waits for it: of a gateway that has just started, or after a save that took long."""
    read_unsettled()


@sweep(every=timedelta(seconds=5), timeout=timedelta(minutes=3))
def compare_with_gateways() -> None:
    """Those whose processes have news, and of the others a part, so that each is compared every few minutes."""
    compare_some()
