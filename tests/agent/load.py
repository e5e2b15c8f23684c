"""Callers that don't stop while something is done to what they call."""

import http.client
import threading
import time
from collections import Counter
from types import TracebackType


class Load:
    """Threads that read and write, on a connection that each keeps or on a new one for each call.

    What went wrong is kept with its reason.
    """

    def __init__(self, port: int, host: str, *, threads: int = 4, expect: int = 404, keep: bool = True) -> None:
        self.answers = 0
        self.failures: list[str] = []
        self._port, self._host, self._expect = port, host, expect
        self._keep = keep
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        self.wait_for(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for thread in self._threads:
            thread.join()

    def end(self) -> None:
        self._done.set()

    def wait_for(self, more: int) -> None:
        """So many answers more: whatever was done has met calls."""
        upto, give_up_at = self.answers + more, time.monotonic() + 30
        while self.answers < upto and not self.failures:
            assert time.monotonic() < give_up_at, f"{self.answers} of {upto}"
            time.sleep(0.01)

    def require_none_failed(self) -> None:
        assert not self.failures, (len(self.failures), self.answers, Counter(self.failures).most_common(5))

    def _call(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        body = bytes(8 * 1024) if number % 2 else None
        while not self._done.is_set():
            try:
                connection.request("POST" if body else "GET", "/load", body=body, headers={"Host": self._host})
                response = connection.getresponse()
                response.read()
                if not self._keep:
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{type(error).__name__} {error}")
                connection.close()
                time.sleep(0.01)
                continue
            if response.status == self._expect and response.headers.get("x-imp-gateway"):
                self.answers += 1
            else:
                self.failures.append(f"{response.status} {response.headers.get('x-imp-gateway')}")
        connection.close()
