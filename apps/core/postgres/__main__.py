"""`python -m apps.core.postgres serve|start|stop|status|remove <state folder>`: without Django, for supervisors."""

import sys
from pathlib import Path

from apps.core.postgres.launcher import EmbeddedPostgres, PostgresError


def main(verb: str, state: str) -> None:
    server = EmbeddedPostgres(Path(state))
    if verb == "serve":
        server.serve()
    if verb == "start":
        server.start()
    elif verb == "stop":
        server.stop()
    elif verb == "remove":
        server.remove()
    elif verb != "status":
        sys.exit(f"{verb}? Say serve, start, stop, status or remove.")
    sys.stdout.write("running\n" if server.is_running() else "stopped\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except PostgresError as error:
        sys.exit(str(error))
