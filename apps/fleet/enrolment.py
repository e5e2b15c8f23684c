"""What somebody does at a cluster with a registration token."""

from urllib.parse import urlsplit

from django.conf import settings

from apps.fleet.models import Cluster


def command_of(cluster: Cluster, token: str) -> str:
    """What is pasted where the agent is to run. The token is in one file, which nobody else may read."""
    folder = f"agent-{cluster.name}"
    return (
        f"(umask 077; mkdir -p {folder}; printf %s {token} > {folder}/token)\n"
        f"./imp-agent --portal {agents_address()} \\\n"
        f"  --state {folder} --token-file {folder}/token"
    )


def agents_address() -> str:
    """Where agents dial."""
    return settings.AGENTS_ADDRESS or f"{urlsplit(settings.PUBLIC_URL).hostname}:{settings.AGENTS_PORT}"
