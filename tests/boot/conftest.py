import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core.postgres.launcher import EmbeddedPostgres
from tests.boot.clone import Clone


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every user may enter, unlike pytest's own: as root PostgreSQL runs as somebody else."""
    made = Path(tempfile.mkdtemp(prefix="imp-boot-")).resolve()
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Not started yet."""
    server = EmbeddedPostgres(folder / "postgres")
    yield server
    server.remove()


@pytest.fixture
def clone(folder: Path) -> Clone:
    """What a set-up needs of a clone, with nothing set up."""
    return Clone(folder / "clone")
