"""What people write about themselves and what is theirs, which others read in mails and before they agree."""

import re
from collections.abc import Collection

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput

# Control characters, what is no wider than nothing, and what turns the letters after it around. The joiners stay, as
# several scripts need them
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def tidy_name(text: str) -> str:
    """One line, of what can be seen: with the rest, a name could look like another one, or turn around a sentence."""
    return " ".join(UNSEEN.sub("", text).split())


def require_short(text: str, longest: int, *, field: str) -> None:
    if len(text) > longest:
        raise InvalidInput(fields={field: [_("Use %(limit)d characters or fewer.") % {"limit": longest}]})


def require_choice(value: str, values: Collection[str], *, field: str) -> None:
    if value not in values:
        raise InvalidInput(fields={field: [_("Choose one of these: %(values)s.") % {"values": ", ".join(values)}]})
