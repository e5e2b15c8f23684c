"""Kills the running product again and again, and counts what was promised. `make chaos`, or `python -m tests.chaos`."""
