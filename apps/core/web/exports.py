"""A list as a file: rows leave as the database gives them, so a million need no more memory than a hundred."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any, Protocol

import orjson
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control

from apps.core import clock
from apps.core.walls import current_wall, walled

CHUNK = 500
FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}

# A spreadsheet runs a cell that begins with one of these as a formula, also after blanks
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Without it, spreadsheets read Korean as Latin-1
BYTE_ORDER_MARK = "\ufeff"


class Exported(Protocol):
    name: str

    def export(self, row: Any) -> Any: ...


class _Echo:
    """The csv writer's file: hands back each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def stream(
    rows: "QuerySet[Any]", columns: Sequence[Any], *, kind: str, name: str, head: bool = False
) -> HttpResponseBase:
    """The rows as a download. A HEAD request learns the headers and costs no query."""
    body = {"csv": csv_lines, "jsonl": json_lines}[kind]
    response: HttpResponseBase
    if head:
        response = HttpResponse(content_type=FORMATS[kind])
    else:
        lines = _batched(body(rows.iterator(chunk_size=CHUNK), columns))
        response = StreamingHttpResponse(_inside(current_wall(), lines), content_type=FORMATS[kind])
    file_name = f"{name}-{clock.now():%Y%m%d-%H%M%S}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    response["X-Accel-Buffering"] = "no"
    patch_cache_control(response, private=True, no_store=True)
    return response


def _inside(wall: str, lines: Iterator[str]) -> Iterator[str]:
    """The rows are read while they're sent, after the view and its transaction are over."""
    with walled(wall) if wall else nullcontext():
        yield from lines


def csv_lines(rows: Iterable[Any], columns: Sequence[Exported]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow([column.name for column in columns])
    for row in rows:
        yield writer.writerow([_cell(column.export(row)) for column in columns])


def json_lines(rows: Iterable[Any], columns: Sequence[Exported]) -> Iterator[str]:
    for row in rows:
        line = {column.name: column.export(row) for column in columns}
        yield orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode() + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def _batched(lines: Iterator[str], size: int = 200) -> Iterator[str]:
    """Some lines at a time: a write to the socket for each line would cost more than the query."""
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) == size:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch)
