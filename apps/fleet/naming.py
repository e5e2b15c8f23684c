"""What people call a bundle: its key names a row, and whoever owns that row knows what it's called."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

Namer = Callable[[Sequence[str]], Mapping[str, str]]

_namers: dict[str, Namer] = {}


def register_namer(prefix: str, namer: Namer) -> None:
    """In the app's ready(), for bundles whose key begins with `prefix/`. Registering it again replaces it."""
    _namers[prefix] = namer


def names_of(keys: Iterable[str]) -> dict[str, str]:
    """A name for each key; the key itself where nobody knows a better one."""
    by_prefix: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        by_prefix[key.partition("/")[0]].append(key)
    found = {key: key for theirs in by_prefix.values() for key in theirs}
    for prefix, theirs in by_prefix.items():
        if namer := _namers.get(prefix):
            found.update(namer(theirs))
    return found
