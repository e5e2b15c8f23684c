"""The built-in engine: a real Envoy, and a Deno process for each part of a gateway, on one machine.

machine.py     the engine as a whole: what an applier asks of it
resources.py   what Envoy is to have, and what it has said to it
ads.py         tells Envoy, over the delta form of its aggregated discovery
proxy.py       Envoy as the way in: another when it dies or hangs, or in its place, without a lost call
envoys.py      one process of Envoy: its bootstrap, whether it takes calls, how it ends
listeners.py   what of its configuration is the engine's own: the listener, clusters, endpoints
routes.py      what of it bundles bring: whose hosts are whose, and whether calls get where they should
last_good.py   the routes that Envoy took last, on the disk, for when newer ones are refused
runtimes.py    what runs the functions of some stages: start, ready, replace, end
instances.py   one process of those
quelling.py    what becomes of code that doesn't end until its process has gone
ways_out.py    the process by which functions connect to other servers: agent/egress
warden.py      ends those that hang or take too much memory
limits.py      what a process may take
children.py    processes that die with the agent; become.py is the first thing that they run
lines.py       what processes write
access_log.py  the log of all calls, which stays below a size
calls.py       short HTTP calls of the engine's own
patience.py    back-off, and waiting for news
"""
