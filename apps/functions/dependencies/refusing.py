"""Why a set of packages isn't taken. Kept in a row, so it's told in each reader's own language."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

MISSING = gettext_noop("There is no npm package %(name)s. Check how its name is spelled.")
NO_VERSION = gettext_noop("%(name)s has no version that fits %(version)s. Choose another one.")
UNREACHABLE = gettext_noop("The registry of npm packages can't be reached. Try again in a while.")
BROKEN = gettext_noop("The packages can't be installed: %(said)s")
TOO_LONG = gettext_noop("It wasn't done within %(seconds)d seconds. Ask for fewer packages at once, or try again.")
TOO_MANY = gettext_noop(
    "Together they bring %(count)d packages, and may bring %(most)d at most. Choose some that need fewer."
)
TOO_LARGE = gettext_noop("Together they take more than %(most)d MB. Choose smaller packages.")
BUNDLE_TOO_LARGE = gettext_noop(
    "Together their code takes %(size)s MB, and may take %(most)d MB at most. Choose smaller packages."
)
OF_NODE = gettext_noop("%(name)s needs %(module)s of Node, which functions run without. Choose a package for the web.")
NATIVE = gettext_noop(
    "%(name)s has a part that is made for one machine (%(file)s), which functions can't load. Choose another package."
)
NOT_BUNDLED = gettext_noop("%(name)s can't be bundled: %(said)s")
NO_CODE = gettext_noop("%(name)s has nothing that can be imported. Choose another package.")
FUNCTIONS_BREAK = gettext_noop(
    "These functions don't compile with these packages: %(names)s. Change them first, or choose other versions."
)
NOT_ALLOWED = gettext_noop("%(person)s may no longer change dependencies here. Somebody who may has to ask for it.")
FAILED = gettext_noop("It failed for a reason of ours. Try again; the operators can see it.")


@dataclass
class Refused(Exception):
    """`because` is for gettext; `package` the one at fault where one is, and `findings` name functions and lines."""

    because: str
    words: dict[str, Any] = field(default_factory=dict)
    package: str = ""
    findings: Sequence[dict[str, Any]] = ()

    def __str__(self) -> str:
        return told(self.because, self.words)


def told(because: str, words: dict[str, Any]) -> str:
    return _(because) % words if because else ""
