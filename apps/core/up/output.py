"""What `manage.py up` prints: prefixed, coloured lines on a terminal, one JSON object a line elsewhere."""

import re
import threading
from typing import Any, TextIO

import orjson

COLOURS = {
    "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "white": 37,
    "bright-blue": 94, "bright-magenta": 95,
}  # fmt: skip
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
LONGEST_LINE = 16_384


class Output:
    """Thread-safe. Once nobody reads any more, it stays silent."""

    def __init__(self, stream: TextIO, *, terminal: bool, colours: dict[str, str]) -> None:
        self.stream = stream
        self.terminal = terminal
        self._colours = colours
        self._width = max([2, *(len(name) for name in colours)])
        self._lock = threading.Lock()
        self._closed = False

    def line(self, part: str, text: str) -> None:
        """A line that a part wrote."""
        text = text[:LONGEST_LINE]
        if self.terminal:
            self._write(f"{self._prefix(part)} {text}")
        else:
            self._write_json({"process": part, **_fields(text)})

    def event(self, part: str, text: str, *, bad: bool = False, **fields: Any) -> None:
        """Something that happened to a part."""
        if self.terminal:
            self._write(f"{self._prefix(part)} {self._paint(text, 'red') if bad else text}")
        else:
            self._write_json(
                {"process": "up", "part": part, "event": text, "level": "error" if bad else "info", **fields}
            )

    def block(self, text: str, **fields: Any) -> None:
        """Several lines for a person; for machines only the fields."""
        if self.terminal:
            self._write(f"\n{text}\n")
        else:
            self._write_json({"process": "up", **fields})

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.terminal else text

    def _prefix(self, part: str) -> str:
        return self._paint(f"{part:<{self._width}} │", self._colours.get(part, "white"))

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"

    def _write_json(self, fields: dict[str, Any]) -> None:
        self._write(orjson.dumps(fields, default=str).decode())

    def _write(self, text: str) -> None:
        with self._lock:
            if self._closed:
                return
            try:
                self.stream.write(text + "\n")
                self.stream.flush()
            except (OSError, ValueError):
                # The terminal is gone or the pipe has no reader; stopping is what the signal is for
                self._closed = True


def _fields(text: str) -> dict[str, Any]:
    """The fields of a line that is JSON already, else the line itself."""
    if text.startswith("{"):
        try:
            fields = orjson.loads(text)
        except ValueError:
            pass
        else:
            # A part can't pass for another one
            return {"process_name" if key == "process" else key: value for key, value in fields.items()}
    return {"line": CONTROL.sub("", text)}
