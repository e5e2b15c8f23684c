"""What esbuild's service says and hears: each packet its length, its number with whether it's an answer, its value."""

import struct
from typing import Any

NOTHING, TRUTH, NUMBER, TEXT, BYTES, LIST, MAPPING = range(7)
_LENGTH = struct.Struct("<I")
_NUMBER = struct.Struct("<i")


def pack(number: int, value: Any, *, is_answer: bool) -> bytes:
    parts = [_LENGTH.pack(number << 1 | is_answer)]
    _write(value, parts)
    body = b"".join(parts)
    return _LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> tuple[int, bool, Any]:
    (head,) = _LENGTH.unpack_from(body)
    value, _end = _read(body, 4)
    return head >> 1, bool(head & 1), value


def _write(value: Any, parts: list[bytes]) -> None:
    if value is None:
        parts.append(bytes([NOTHING]))
    elif isinstance(value, bool):
        parts.append(bytes([TRUTH, value]))
    elif isinstance(value, int):
        parts.append(bytes([NUMBER]) + _NUMBER.pack(value))
    elif isinstance(value, str | bytes):
        content = value.encode() if isinstance(value, str) else value
        parts.append(bytes([TEXT if isinstance(value, str) else BYTES]) + _LENGTH.pack(len(content)) + content)
    elif isinstance(value, dict):
        parts.append(bytes([MAPPING]) + _LENGTH.pack(len(value)))
        for name, each in value.items():
            key = name.encode()
            parts.append(_LENGTH.pack(len(key)) + key)
            _write(each, parts)
    else:
        parts.append(bytes([LIST]) + _LENGTH.pack(len(value)))
        for each in value:
            _write(each, parts)


def _read(body: bytes, at: int) -> tuple[Any, int]:
    kind, at = body[at], at + 1
    if kind == NOTHING:
        return None, at
    if kind == TRUTH:
        return body[at] == 1, at + 1
    if kind == NUMBER:
        return _NUMBER.unpack_from(body, at)[0], at + 4
    (length,) = _LENGTH.unpack_from(body, at)
    at += 4
    if kind in (TEXT, BYTES):
        content = body[at : at + length]
        return content.decode() if kind == TEXT else content, at + length
    if kind == LIST:
        values = []
        for _ in range(length):
            value, at = _read(body, at)
            values.append(value)
        return values, at
    if kind != MAPPING:
        raise ValueError(f"A packet has a value of the unknown kind {kind}.")
    found = {}
    for _ in range(length):
        (size,) = _LENGTH.unpack_from(body, at)
        key = body[at + 4 : at + 4 + size].decode()
        found[key], at = _read(body, at + 4 + size)
    return found, at
