"""Running what is due, to the second: any number of processes share it, and each due time is run once."""

from apps.triggers.firing.ticker import tick

__all__ = ["tick"]
