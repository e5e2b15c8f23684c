"""What somebody may ask for: a package of the registry by its name, in a version or a range of versions."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput

MOST_PACKAGES = 60
LONGEST_NAME, LONGEST_VERSION = 214, 64
LATEST = "latest"
_PART = r"[a-z0-9~-][a-z0-9._~-]*"
_NAME = re.compile(rf"(?:@{_PART}/)?{_PART}")
# Versions and ranges such as ^3.2, >=1.2 <2, 1.x or 3 || 4, and tags such as next. No addresses, no aliases. Each text
# can be read in one way only: with two at each place, one that doesn't fit would be tried in all of them
_ONE = r"(?:[\^~<>=v]+ ?)?[0-9xX*][0-9A-Za-z.+-]*"
_RANGE = re.compile(rf"{_ONE}(?:(?: ?\|\| ?| - | ){_ONE})*")
_TAG = re.compile(r"[a-z][a-z0-9._-]*")
_EXACT = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")


def checked_wanted(wanted: Mapping[str, Any]) -> dict[str, str]:
    """Name to version, by name; an empty version is the newest. What can't be one is refused at its name."""
    errors: dict[str, list[Any]] = {}
    found: dict[str, str] = {}
    for name, version in wanted.items():
        version = " ".join(version.split()) if isinstance(version, str) else version
        if refusal := refusal_of(name, version):
            errors[f"wanted/{name}"[: LONGEST_NAME + 10]] = [refusal]
        else:
            found[name] = version or LATEST
    if len(wanted) > MOST_PACKAGES:
        errors["wanted"] = [_("A gateway has %(most)d packages at most.") % {"most": MOST_PACKAGES}]
    if errors:
        raise InvalidInput(fields=errors)
    return dict(sorted(found.items()))


def refusal_of(name: Any, version: Any) -> str:
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        return _("This is no name of an npm package. Write it as the registry has it, such as zod or @hapi/hoek.")
    if not isinstance(version, str) or len(version) > LONGEST_VERSION:
        return _("Write a version such as 3.23.8, or a range such as ^3.23.")
    written = " ".join(version.split())
    if written and not (_RANGE.fullmatch(written) or _TAG.fullmatch(written)):
        return _("Write a version such as 3.23.8, or a range such as ^3.23. Addresses and other sources aren't taken.")
    return ""


def split_wish(text: str) -> tuple[str, str]:
    """`zod@^3` as name and version; `@scope/name` begins with one."""
    text = text.strip()
    at = text.find("@", 1)
    return (text, "") if at < 0 else (text[:at], text[at + 1 :])


def is_exact(version: str) -> bool:
    return _EXACT.fullmatch(version) is not None
