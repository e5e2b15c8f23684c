"""Writes through the web process for as long as it may, and remembers what was acknowledged."""

import http.client
import random
import threading
import time

TIMEOUT = 5.0
# Some tasks last, so that workers are busy when they are killed
SECONDS = (0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 0.3)
# Slower than the workers are, or a new task would wait for the old ones and not for the healing
PAUSE = 0.06


class Writer(threading.Thread):
    def __init__(self, port: int, randomness: random.Random) -> None:
        super().__init__(daemon=True)
        self.acknowledged: set[int] = set()
        self.sent = 0
        self._port = port
        self._random = randomness
        self._lock = threading.Lock()
        self._writing = threading.Event()
        self._ended = threading.Event()

    def resume(self) -> None:
        self._writing.set()

    def pause(self) -> None:
        self._writing.clear()

    def end(self) -> None:
        self._ended.set()
        self._writing.set()
        self.join(TIMEOUT * 2)
        assert not self.is_alive()

    def write(self) -> bool:
        """True once the product said that it has it."""
        with self._lock:
            self.sent += 1
            number = self.sent
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            connection.request("POST", f"/chaos/write/{number}?seconds={self._random.choice(SECONDS)}")
            if connection.getresponse().status != http.HTTPStatus.OK:
                return False
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        self.acknowledged.add(number)
        return True

    def run(self) -> None:
        while not self._ended.is_set():
            self._writing.wait()
            if not self._ended.is_set():
                self.write()
                time.sleep(PAUSE)
