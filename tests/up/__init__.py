"""`manage.py up` with small parts of its own (`parts.py`), so that each behaviour takes a second and not a minute."""
