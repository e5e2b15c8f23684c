"""The routes that Envoy took last, on the disk: what goes on where newer ones are refused, also after a start."""

import asyncio
import contextlib
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog

log = structlog.get_logger(__name__)

# What isn't written by then is written when it's taken again
STOP_SECONDS = 0.3

Owner = tuple[str, str]
Rendered = Sequence[dict[str, Any]]


class LastGood:
    """Written behind the loop, one after the other: nobody waits for it, and the newest counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[Owner, bytes] = {}
        self._unwritten: dict[Owner, bytes] = {}
        self._writer: asyncio.Task[None] | None = None

    def clear(self, namespaces: Collection[str]) -> None:
        """What others have left, or a crash in the middle of a write."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in self.folder.iterdir():
            if file.suffix != ".json" or file.name.partition(".")[0] not in namespaces:
                file.unlink()

    def read(self, owner: Owner) -> list[dict[str, Any]]:
        """Nothing, where there's nothing that can be read."""
        file = self._file_of(owner)
        try:
            content = file.read_bytes()
            found = orjson.loads(content)
            if not all({"type_url", "name", "resource"} <= each.keys() for each in found):
                raise ValueError("no resources")
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("routes unreadable", file=str(file), reason=str(error))
            return []
        self._kept[owner] = content
        return list(found)

    def keep(self, owner: Owner, rendered: Rendered) -> None:
        content = orjson.dumps(rendered)
        if self._kept.get(owner) != content:
            self._kept[owner] = self._unwritten[owner] = content
            if self._writer is None or self._writer.done():
                self._writer = asyncio.create_task(self._write_all())

    def forget(self, owner: Owner) -> None:
        self._unwritten.pop(owner, None)
        self._kept.pop(owner, None)
        self._file_of(owner).unlink(missing_ok=True)

    async def stop(self) -> None:
        if self._writer:
            await asyncio.wait([self._writer], timeout=STOP_SECONDS)
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _write_all(self) -> None:
        while self._unwritten:
            owner, content = next(iter(self._unwritten.items()))
            del self._unwritten[owner]
            try:
                await asyncio.to_thread(_write, self._file_of(owner), content)
            except OSError as error:
                # Those before stay: better than none
                log.warning("routes not kept", owner=owner, reason=str(error))
            if owner not in self._kept:
                # Taken away meanwhile
                self._file_of(owner).unlink(missing_ok=True)

    def _file_of(self, owner: Owner) -> Path:
        return self.folder / f"{owner[0]}.{owner[1]}.json"


def _write(file: Path, content: bytes) -> None:
    unfinished = file.with_suffix(".unfinished")
    try:
        with unfinished.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
