"""From what somebody wants of a gateway to what it is.

table.py     every pair of state and phase, and what follows from it
steps.py     what each phase does, one step after the other: observe, then act
domains.py   the same of a gateway's domain, which has a life of its own
machines.py  both, as the kernel of life cycles wants them
diagnosis.py why a gateway doesn't move, and what may be done about it
"""
