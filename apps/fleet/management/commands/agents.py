import asyncio
import signal
from typing import Any

import grpc
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.processes.heartbeat import start_heartbeat
from apps.fleet.grpc.server import AgentsServer
from apps.fleet.grpc.tls import credentials_for


class Command(BaseCommand):
    help = "Serves the agents of all clusters until SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", default=f"127.0.0.1:{settings.AGENTS_PORT}", help="where agents dial")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            credentials = credentials_for(options["address"])
        except (ImproperlyConfigured, OSError) as error:
            raise CommandError(str(error)) from None
        asyncio.run(serve(options["address"], credentials))


async def serve(address: str, credentials: grpc.ServerCredentials | None) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = AgentsServer(address, credentials)
    await server.start()
    heartbeat = start_heartbeat("agents", detail=lambda: {"streams": len(server.streams.connections)})
    await stop.wait()
    await server.stop()
    heartbeat.stop()
