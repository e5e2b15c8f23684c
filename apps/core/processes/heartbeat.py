"""The thread that writes a process into the table of processes for as long as it lives."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

import psutil
import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from apps.core import clock
from apps.core.processes.models import ProcessHeartbeat

logger = structlog.get_logger(__name__)

BEAT_SECONDS = 3.0
# Until the first row is written, the supervisor waits for it
FIRST_BEATS_SECONDS = 0.3

Detail = Callable[[], dict[str, Any]]


def host() -> str:
    return socket.gethostname()


def start_heartbeat(kind: str, *, detail: Detail = dict, is_well: Callable[[], bool] = lambda: True) -> "Heartbeat":
    """Once for each process, after any fork. While `is_well` says no, the row isn't renewed, so the process counts
    as hung and its supervisor starts it again. `detail` is shown to operators."""
    heartbeat = Heartbeat(kind, detail=detail, is_well=is_well)
    heartbeat.start()
    return heartbeat


class Heartbeat(threading.Thread):
    def __init__(self, kind: str, *, detail: Detail, is_well: Callable[[], bool]) -> None:
        super().__init__(name=f"heartbeat-{kind}", daemon=True)
        self._kind = kind
        self._detail = detail
        self._is_well = is_well
        self._started_at = clock.now()
        self._stop_asked = threading.Event()
        self._beaten = False

    def run(self) -> None:
        while True:
            self._try_to_beat()
            if self._stop_asked.wait(BEAT_SECONDS if self._beaten else FIRST_BEATS_SECONDS):
                break
        with contextlib.suppress(DatabaseError):
            ProcessHeartbeat.objects.filter(kind=self._kind, host=host(), pid=os.getpid()).delete()
        connection.close()

    def stop(self) -> None:
        """Before a wanted end: the row goes, so nobody takes the process for one that died."""
        self._stop_asked.set()
        self.join(timeout=1)

    def _try_to_beat(self) -> None:
        try:
            if self._is_well():
                self._beat()
        except DatabaseError as error:
            # The database comes back or the operator is told by /readyz; one line is enough here
            logger.warning("heartbeat not written", kind=self._kind, error=" ".join(str(error).split()))
            connection.close()
        # The thread beats on: without it a process that works would count as dead
        except Exception:
            logger.exception("heartbeat not written", kind=self._kind)

    def _beat(self) -> None:
        if not self._beaten:
            self._remove_dead()
        now = clock.now()
        ProcessHeartbeat.objects.update_or_create(
            kind=self._kind,
            host=host(),
            pid=os.getpid(),
            defaults={
                "version": settings.VERSION,
                "started_at": self._started_at,
                "seen_at": now,
                "detail": self._detail(),
            },
        )
        self._beaten = True

    def _remove_dead(self) -> None:
        """Rows of this machine whose process is gone, usually the one that this process replaces."""
        rows = ProcessHeartbeat.objects.filter(host=host())
        gone = [pk for pk, pid in rows.values_list("pk", "pid") if not psutil.pid_exists(pid)]
        rows.filter(pk__in=gone).delete()
