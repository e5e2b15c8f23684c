"""What an agent holds, and its digest, by which both sides tell whether they hold the same."""

import hashlib
from collections.abc import Iterable


def state_digest(bundles: Iterable[tuple[str, str]]) -> str:
    """Of keys and digests, in any order."""
    lines = sorted(f"{key} {digest}\n" for key, digest in bundles)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
