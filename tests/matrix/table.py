"""The expected answers as tables that people read: `expected/*.txt`.

A table's first line names its columns, each line after it a route and what each column gets:

    GET    /t/{tenant}/members      sign-in  404  ok  ok  ok

A column is one actor or several, see `COLUMNS` in `actors.py`. A cell is `ok`, `sign-in`, `confirm` (prove once more
who you are) or the refusal's status. `ok/404` is what providers and customers get, where the column is of both.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("expected")
HEAD = ("METHOD", "PATH")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "STREAM")
# Table → how its addresses begin, and how many parts of them are shared by what stands together
STARTS = {"workspace": ("/t/{tenant}/", 3), "admin": ("/admin/", 3), "api": ("/v1/", 2), "everywhere": ("/", 1)}
STREAMS = "streams"
STEP = 16


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    cells: Mapping[str, str]
    #: Where it's written, for whoever has to change it
    place: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.path


@dataclass(frozen=True)
class Table:
    name: str
    comment: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.txt"

    def __str__(self) -> str:
        return f"tests/matrix/expected/{self.name}.txt"

    def line(self, row: Row, *, width: int = 0) -> str:
        """A row as it's written."""
        cells = (f"{row.cells[column]:<{max(len(column), 7)}}" for column in self.columns)
        return f"{row.method:<6}  {row.path:<{width}}  {'  '.join(cells)}".rstrip()

    def text(self, rows: Iterable[Row]) -> str:
        """The whole table: by address, with a gap between what belongs to different things."""
        ordered = sorted(rows, key=lambda row: (row.path, METHODS.index(row.method)))
        # In steps, so that one long address rarely moves all the others
        width = -(-max((len(row.path) for row in ordered), default=0) // STEP) * STEP
        head = Row(*HEAD, {column: column for column in self.columns})
        lines = [self.comment, self.line(head, width=width)]
        group = None
        for row in ordered:
            if self._group_of(row.path) != group:
                group = self._group_of(row.path)
                lines.append("")
            lines.append(self.line(row, width=width))
        return "\n".join(lines) + "\n"

    def _group_of(self, path: str) -> str:
        if self.name == STREAMS:
            return path.partition(":")[0]
        return "/".join(path.split("/")[: STARTS[self.name][1] + 1])


def tables() -> dict[str, Table]:
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.txt"))}


def table_for(method: str, path: str) -> str:
    """The name of the table where a route's entry belongs."""
    if method == "STREAM":
        return STREAMS
    return next(name for name, (start, _) in STARTS.items() if path.startswith(start))


def add(table: Table, row: Row) -> None:
    """Write a row into the table's file, beside what others have written meanwhile."""
    known = read(table.path)
    table.path.write_text(table.text([*(each for each in known.rows if each.key != row.key), row]))


def read(path: Path) -> Table:
    lines = list(_lines(path))
    comment = "\n".join(line for _, line in lines if line.startswith("#"))
    (_, head), *written = [(number, line) for number, line in lines if not line.startswith("#")]
    columns = tuple(head.split()[len(HEAD) :])
    rows = []
    for number, line in written:
        method, route, *cells = line.split()
        place = f"tests/matrix/expected/{path.name}:{number}"
        assert len(cells) == len(columns), f"{place} has {len(cells)} cells for {len(columns)} columns."
        rows.append(Row(method, route, dict(zip(columns, cells, strict=True)), place))
    return Table(path.stem, comment, columns, tuple(rows))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.strip():
            yield number, line
