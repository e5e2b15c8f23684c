"""The built-in engine: a real Envoy, and a Deno process for each part of a gateway, on one machine.

children.py   processes that die with the agent
resources.py  what Envoy is to have, and what it has said to it
ads.py        tells Envoy, over the delta form of its aggregated discovery
proxy.py      Envoy itself: bootstrap, start, and again when it dies
listeners.py  what of its configuration is the engine's own: the listener, clusters, endpoints
runtimes.py   the processes that run functions: start, ready, replace, end
"""
