"""From what was saved to what runs: the rows say what is wanted, a gateway's database tells its runtimes, they answer.

`want_published(function)` goes into the transaction that changes it; `await_live(function, within)` after that.
"""

from apps.functions.publishing.acks import await_live, read_unsettled, standing_of
from apps.functions.publishing.comparing import compare_some, publish_all
from apps.functions.publishing.drafts import publish_draft
from apps.functions.publishing.live import Live
from apps.functions.publishing.timing import note_compiled
from apps.functions.publishing.wanting import push_due, want_published, want_published_all, want_version

__all__ = [
    "Live",
    "await_live",
    "compare_some",
    "note_compiled",
    "publish_all",
    "publish_draft",
    "push_due",
    "read_unsettled",
    "standing_of",
    "want_published",
    "want_published_all",
    "want_version",
]
