"""The agent's own log: for people on a terminal, one JSON object a line elsewhere."""

import contextlib
import logging
import sys
from typing import TextIO

import structlog


def configure() -> None:
    is_terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor
    if is_terminal:
        # Tracebacks with the values of variables would show secrets
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("%H:%M:%S" if is_terminal else "iso", utc=not is_terminal),
            *([] if is_terminal else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: Lines(sys.stderr),
        cache_logger_on_first_use=True,
    )


class Lines:
    """Whatever is wrong with where they go, a full disk or a reader that has gone, the agent goes on without them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = exception = msg
