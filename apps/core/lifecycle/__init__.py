"""Life cycles: rows that come, step by step, from what they are to what somebody wants them to be.

The row is the truth: what is wanted, how far it has come, and when it's due. A task in the queue is only a hint that
makes it quick, and a sweep finds what no hint reached. Any number of workers may try; the lease lets one of them work
on a row, and its fence refuses what another writes too late.

    machine.py   what an app declares: the next move of a row, and how a move says "not yet" or "never"
    kernel.py    takes the lease, makes moves, writes what came of them
    waking.py    making a row due
    holding.py   for steps that write into this database: only while the lease is theirs
    sweeps.py    finds what no hint reached
    mending.py   what operators may do to a row that doesn't move
    timeline.py  what is remembered of all that, for people
    failures.py  what people are told of what went wrong, and what operators are
    checks.py    that the limits in time are longer than each other in the order that they need

Nothing in here knows what the rows are.
"""

from apps.core.lifecycle.machine import Awaited, Machine, Move, Retry, Stop, machine_named, register_machine
from apps.core.lifecycle.waking import nudge, nudge_all, wake

__all__ = [
    "Awaited",
    "Machine",
    "Move",
    "Retry",
    "Stop",
    "machine_named",
    "nudge",
    "nudge_all",
    "register_machine",
    "wake",
]
