"""The folders that packages are fetched into. Whoever is at one holds a lock on it, which goes with them however they
end: so what somebody left who was killed is told from what another one is at.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "imp-packages-"


@contextmanager
def own_folder() -> Iterator[Path]:
    """Until the block ends."""
    _remove_left()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        with _locked(folder, fcntl.LOCK_EX):
            yield folder


def _remove_left() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB) as found:
            # Somebody is about to lock one that is empty. Another user's is none of ours
            if os.listdir(found) and os.fstat(found).st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
        yield descriptor
    finally:
        os.close(descriptor)
