"""From what is wanted of calls to the configuration of what carries them. No Django, no clock, no network.

    ir.py        what is wanted, in words of no gateway in particular; it validates itself
    drivers/     one for each kind of gateway: the same, as that kind's own resources

Layers of policies are merged before they come here, with the origin of each value kept.
"""
