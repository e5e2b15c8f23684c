"""The geometry of charts: numbers in, SVG paths out. The SVG is stretched, so all text stays in HTML."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.formats import number_format

from apps.core.errors import Text

WIDTH, HEIGHT = 100.0, 40.0
# Smaller numbers are drawn as none: floats near zero have no logarithm to speak of
NOTHING = 1e-9


@dataclass(frozen=True)
class Series:
    """`colour` is a class: s0 to s6, s-ok, s-warn, s-bad, s-stage."""

    label: Text
    values: Sequence[float]
    colour: str = "s1"
    is_area: bool = False
    is_dashed: bool = False


@dataclass(frozen=True)
class Stroke:
    series: Series
    line: str

    @property
    def area(self) -> str:
        return f"{self.line} V{_n(HEIGHT)} H0Z" if self.series.is_area else ""


@dataclass(frozen=True)
class Bar:
    colour: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True)
class Chart:
    """Axes that both kinds share. `at` names each point in time, `marks` are the few that stand under the chart."""

    label: Text
    series: Sequence[Series]
    at: Sequence[Text]
    marks: Sequence[Text] = ()
    unit: Text = ""
    limit: float | None = None

    @property
    def peak(self) -> float:
        return max((value for series in self.series for value in series.values), default=0)

    @cached_property
    def top(self) -> float:
        return _round_up(max(self.peak, self.limit or 0))

    @property
    def steps(self) -> list[str]:
        """What stands beside the lines of the grid, from the top: 100 ms, 50, 0."""
        unit = f" {self.unit}" if self.unit else ""
        return [f"{_spoken(self.top)}{unit}", _spoken(self.top / 2), "0"]

    @property
    def grid(self) -> list[str]:
        return ["0", _n(HEIGHT / 2), _n(HEIGHT)]

    @property
    def limit_y(self) -> str:
        return "" if self.limit is None else _n(self._y(self.limit))

    @property
    def rows(self) -> list[tuple[Text, list[str]]]:
        """The same numbers as a table, for those who can't see the chart or want to read exactly."""
        return [(at, [_spoken(series.values[i]) for series in self.series]) for i, at in enumerate(self.at)]

    def _y(self, value: float) -> float:
        return HEIGHT - HEIGHT * value / self.top


@dataclass(frozen=True)
class LineChart(Chart):
    @property
    def strokes(self) -> list[Stroke]:
        return [Stroke(series, self._path(series.values)) for series in self.series]

    def _path(self, values: Sequence[float]) -> str:
        return _path([(x, self._y(value)) for x, value in _spread(values)])


@dataclass(frozen=True)
class BarChart(Chart):
    """Bars on top of one another, in the order of the series."""

    @property
    def peak(self) -> float:
        return max((sum(column) for column in self._columns()), default=0)

    @property
    def bars(self) -> list[Bar]:
        columns = list(self._columns())
        slot = WIDTH / max(len(columns), 1)
        return [bar for index, column in enumerate(columns) for bar in self._stack(column, index * slot, slot)]

    def _columns(self) -> Iterator[tuple[float, ...]]:
        return zip(*(series.values for series in self.series), strict=True)

    def _stack(self, column: Sequence[float], left: float, slot: float) -> Iterator[Bar]:
        below = 0.0
        for series, value in zip(self.series, column, strict=True):
            if value:
                top, height = self._y(below + value), HEIGHT * value / self.top
                yield Bar(series.colour, _n(left + slot * 0.14), _n(top), _n(slot * 0.72), _n(height))
            below += value


@dataclass(frozen=True)
class Spark:
    """A line without axes in a box of 100 by 32."""

    values: Sequence[float]

    @property
    def line(self) -> str:
        low, high = min(self.values), max(self.values)
        span = (high - low) or 1
        return _path([(x, 29.8 - 26.6 * (value - low) / span) for x, value in _spread(self.values)])

    @property
    def area(self) -> str:
        return f"{self.line} V32 H0Z"


@dataclass(frozen=True)
class Part:
    """A share of a whole: a slice of a donut, a stretch of a split bar."""

    label: Text
    value: float
    colour: str


@dataclass(frozen=True)
class Share:
    part: Part
    start: str
    length: str
    arc: str
    percent: int


@dataclass(frozen=True)
class Whole:
    label: Text
    parts: Sequence[Part]
    total: Text = ""
    unit: Text = ""

    @property
    def shares(self) -> list[Share]:
        whole = sum(part.value for part in self.parts) or 1
        shares, start = [], 0.0
        for part in self.parts:
            length = 100 * part.value / whole
            # The gap between two slices is taken from the slice
            arc = max(length - 0.8, 0.1)
            shares.append(Share(part, _n(start), _n(length), _n(arc), round(length)))
            start += length
        return shares


def _spread(values: Sequence[float]) -> Iterator[tuple[float, float]]:
    last = max(len(values) - 1, 1)
    return ((WIDTH * index / last, value) for index, value in enumerate(values))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " ".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _round_up(value: float) -> float:
    """The next number that reads well beside a grid, and whose half does too."""
    if value < NOTHING:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    steps = (step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8))
    return next((step for step in steps if step >= value * 0.9999), 10 * power)


def _spoken(value: float) -> str:
    return number_format(round(value, 2) if value % 1 else int(value), force_grouping=True)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
