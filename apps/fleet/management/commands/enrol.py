import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agent.store import Store
from apps.fleet.services.local_cluster import admit_agent, make_local_cluster


class Command(BaseCommand):
    help = "Makes the cluster that this machine is, and lets the agent of a folder into it unless it's in already."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--state", type=Path, required=True, help="the agent's folder")
        parser.add_argument("--token-file", type=Path, required=True, help="where the agent finds its token")

    def handle(self, *args: Any, state: Path, token_file: Path, **options: Any) -> None:
        cluster = make_local_cluster()
        identity = Store(state).identity()
        token = admit_agent(
            cluster=cluster,
            agent_id=identity.agent_id if identity else "",
            refresh_token=identity.refresh_token if identity else "",
            registration_token=token_file.read_text().strip() if token_file.exists() else "",
        )
        if token:
            keep(token_file, token)
            self.stdout.write(f"{token_file} lets its agent into {cluster}.")
        else:
            self.stdout.write(f"The agent of {state} can come into {cluster}.")


def keep(file: Path, token: str) -> None:
    """For its owner's eyes only, from the first byte on."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(token)
    unfinished.replace(file)
