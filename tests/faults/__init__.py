"""Faults made on purpose: killed processes, dropped connections. The helpers are in `product.py`."""
