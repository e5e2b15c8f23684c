"""The way out for functions: a process of its own that connects where a gateway's rules allow, and nowhere else.

rules.py     which hosts and which addresses          proxy.py     takes a request, brings its answer
resolving.py names to addresses that may be reached   __main__.py  the process, told by the engine what to serve
"""
