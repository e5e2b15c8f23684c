"""How to reach the server; kept beside its data, readable by the owner only."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

DATABASE = "imp"
OWNER = "imp"
SUPERUSER = "postgres"


@dataclass(frozen=True)
class Connection:
    """The product signs in as the owner of its database, who is no superuser."""

    host: str
    port: int
    user: str
    password: str
    database: str
    superuser_password: str

    def url(self) -> str:
        return f"postgres://{self.user}:{quote(self.password)}@{quote(self.host, safe='')}:{self.port}/{self.database}"


def read(path: Path) -> Connection | None:
    try:
        return Connection(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def write(path: Path, connection: Connection) -> None:
    """At once or not at all: others read it at any time."""
    unfinished = path.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(connection), file)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)
