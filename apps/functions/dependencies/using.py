"""Which packages compiled code takes. What takes none needs no bundle, and isn't touched when packages change."""

import re
from collections.abc import Collection

from apps.functions.compiling.resolving import package_in

# As the compiler writes what it leaves to be taken later
_TAKEN = re.compile(r'\brequire\("((?:[^"\\\n]|\\.)+)"\)')


def imports_of(code: str, packages: Collection[str]) -> set[str]:
    """With the paths below packages: zod, date-fns/format."""
    known = frozenset(packages)
    return {name for name in _TAKEN.findall(code) if package_in(name) in known}
