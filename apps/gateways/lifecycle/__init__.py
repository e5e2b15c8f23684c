"""From what somebody wants of a gateway to what it is.

table.py          every pair of state and phase, and what follows from it
steps.py          what each phase does, one step after the other: observe, then act
parts.py          the steps' way to want something in the cluster, or gone from it
belongings.py     what other apps keep in a gateway, and how it goes with it
domains.py        the same of a gateway's domain, which has a life of its own
machines.py       gateways and their domains, as the kernel of life cycles wants them
custom_domains.py the life of a custom domain, from its record to its end
diagnosis.py      why a gateway doesn't move, and what may be done about it; its parts are named there
"""
