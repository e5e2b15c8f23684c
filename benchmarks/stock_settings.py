"""django-q2 as it comes: its own broker and its defaults, with the same number of workers as ours."""

from portal.settings.dev import *  # noqa: F403
from portal.settings.dev import Q_CLUSTER as OURS

Q_CLUSTER = {"name": "stock", "orm": "default", "workers": OURS["workers"]}
SILENCED_SYSTEM_CHECKS = ["queue.E001", "queue.E002", "queue.E003", "queue.E004", "queue.E005", "queue.E007"]
