"""A process of esbuild that stays, and is asked over its pipes by any number of threads at once."""

import itertools
import os
import queue
import resource
import struct
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from apps.functions.compiling.packets import pack, unpack
from apps.functions.compiling.program import program, version

START_WITHIN = 10.0
# Of what it writes to: a source that makes it take more ends it, and not the machine's memory
MOST_BYTES = 768 * 1024 * 1024
ENVIRONMENT = {"GOMAXPROCS": "2", "GOMEMLIMIT": "384MiB", "GOTRACEBACK": "none", "NO_COLOR": "1"}
LAST_WORDS = 300

Answer = dict[str, Any]
# Of the questions that it asks back while it builds
Ask = Callable[[Answer], Answer]


class Ended(Exception):
    """The process has ended, through this question or another one's."""


class Service:
    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        try:
            self._process = subprocess.Popen(
                [program(), f"--service={version()}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                cwd="/",
                env=ENVIRONMENT,
                bufsize=0,
            )
        except BaseException:
            self._said.close()
            raise
        if hasattr(resource, "prlimit"):
            resource.prlimit(self._process.pid, resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
        self._numbers, self._keys = itertools.count(), itertools.count(1)
        self._waiting: dict[int, Future[Answer]] = {}
        self._asked: dict[int, Ask] = {}
        self._writing, self._changing = threading.Lock(), threading.Lock()
        self._has_ended = False
        # Whoever reads must never wait until something is written: both pipes could be full
        self._answers: queue.SimpleQueue[tuple[int, Answer] | None] = queue.SimpleQueue()
        started: Future[str] = Future()
        for work in (lambda: self._read(started), self._answer):
            threading.Thread(target=work, name="esbuild", daemon=True).start()
        try:
            if (found := started.result(START_WITHIN)) != version():
                raise Ended(f"esbuild {found} answers in place of {version()}.")
        except BaseException:
            self.end()
            raise
        _services.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._has_ended

    def build(self, request: Answer, ask: Ask, *, within: float) -> Answer:
        """TimeoutError: it's still at it, and is of no use any more. Ended: it has gone."""
        key, future = next(self._keys), Future[Answer]()
        number = next(self._numbers)
        with self._changing:
            if self._has_ended:
                raise Ended(self._last_words())
            self._waiting[number] = future
            self._asked[key] = ask
        try:
            self._write(number, {**request, "key": key}, is_answer=False)
            return future.result(within)
        except TimeoutError:
            # It's an OSError too
            raise
        except OSError:
            raise Ended(self._last_words()) from None
        finally:
            with self._changing:
                self._waiting.pop(number, None)
                self._asked.pop(key, None)

    def end(self) -> None:
        """At once; whoever waits for an answer hears that it has ended, and nobody asks it any more."""
        self._has_ended = True
        self._process.kill()

    def forget(self) -> None:
        """In a forked process: it's the parent's, and must be able to see that the parent has gone."""
        for each in (self._process.stdin, self._process.stdout, self._said):
            if each is not None:
                each.close()
        self._process.returncode = 0
        self._has_ended = True

    def _read(self, started: "Future[str]") -> None:
        try:
            started.set_result(self._packet().decode())
            while True:
                number, is_answer, value = unpack(self._packet())
                if not is_answer:
                    self._answers.put((number, value))
                elif (future := self._waiting.get(number)) is not None:
                    future.set_result(value)
        except (EOFError, OSError, ValueError, struct.error):
            self._close(started)

    def _packet(self) -> bytes:
        return self._exactly(struct.unpack("<I", self._exactly(4))[0])

    def _exactly(self, size: int) -> bytes:
        assert self._process.stdout is not None
        found = bytearray()
        while len(found) < size:
            part = self._process.stdout.read(size - len(found))
            if not part:
                raise EOFError
            found += part
        return bytes(found)

    def _answer(self) -> None:
        while (question := self._answers.get()) is not None:
            number, value = question
            ask = self._asked.get(value.get("key", 0))
            try:
                self._write(number, ask(value) if ask else {}, is_answer=True)
            except OSError:
                return

    def _write(self, number: int, value: Answer, *, is_answer: bool) -> None:
        assert self._process.stdin is not None
        rest = memoryview(pack(number, value, is_answer=is_answer))
        with self._writing:
            while rest:
                rest = rest[self._process.stdin.write(rest) :]

    def _close(self, started: "Future[str]") -> None:
        self._process.kill()
        self._process.wait()
        ended = Ended(self._last_words())
        with self._changing:
            self._has_ended = True
            waiting = list(self._waiting.values())
        for future in waiting:
            if not future.done():
                future.set_exception(ended)
        if not started.done():
            started.set_exception(ended)
        self._answers.put(None)
        for each in (self._process.stdin, self._process.stdout, self._said):
            if each is not None:
                each.close()

    def _last_words(self) -> str:
        if self._said.closed:
            return "The compiler has ended."
        said = os.pread(self._said.fileno(), LAST_WORDS, 0).decode(errors="replace").strip()
        return said.partition("\n")[0] or f"The compiler ended with code {self._process.returncode}."


_services: "weakref.WeakSet[Service]" = weakref.WeakSet()


def _forget_all() -> None:
    for each in list(_services):
        each.forget()
    _services.clear()


os.register_at_fork(after_in_child=_forget_all)
