import hashlib
from dataclasses import dataclass
from typing import Any

LONGEST_LINE = 500


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where: line and column count from 1, in the units that editors count. 0: nowhere in a file."""

    text: str
    file: str = ""
    line: int = 0
    column: int = 0
    length: int = 0
    line_text: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Compiled:
    """Without errors, a script in the form of CommonJS and where each part of it comes from."""

    code: str
    source_map: str
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    ms: float

    def digest_with(self, vendor: str) -> str:
        """What it's kept by: the same code against the same packages is the same artifact."""
        digest = hashlib.sha256()
        for part in (self.code, self.source_map, vendor):
            digest.update(f"{len(part)}\0{part}".encode())
        return digest.hexdigest()


def finding_of(message: dict[str, Any], text: str, namespace: str) -> Finding:
    place = message.get("location")
    notes = tuple(str(note["text"]) for note in message.get("notes") or ())
    if not place:
        return Finding(text, notes=notes)
    line_text = str(place["lineText"])
    # It counts bytes from 0
    content, start, size = line_text.encode(), place["column"], place["length"]
    return Finding(
        text,
        str(place["file"]).removeprefix(f"{namespace}:"),
        place["line"],
        _units(content[:start]) + 1,
        _units(content[start : start + size]),
        line_text[:LONGEST_LINE],
        notes,
    )


def _units(content: bytes) -> int:
    return len(content.decode(errors="replace").encode("utf-16-le")) // 2
