from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django_q.conf import Conf

from apps.core.queue.cluster import Cluster


class Command(BaseCommand):
    help = "Runs queued tasks and recurring sweeps until SIGTERM; start as many of these as there is work for."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workers", type=int, default=Conf.WORKERS, help="processes that run tasks")

    def handle(self, *args: Any, **options: Any) -> None:
        Cluster(workers=options["workers"]).run()
