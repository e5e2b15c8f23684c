"""The geometry of charts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.charts import BarChart, LineChart, Part, Series, Spark, Whole

amounts = st.lists(st.floats(min_value=0, max_value=1e9, allow_nan=False), min_size=1, max_size=60)


def line(values: list[float], **options: object) -> LineChart:
    return LineChart("Latency", [Series("p95", values)], at=[str(i) for i in range(len(values))], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("peak", "top"), [(0, 1), (1, 1), (1.01, 1.5), (97, 100), (103, 150), (120, 150), (0.03, 0.03), (7001, 8000)]
)
def test_the_scale_ends_at_a_number_that_reads_well(peak: float, top: float) -> None:
    assert line([0, peak]).top == pytest.approx(top)


def test_the_limit_stays_in_the_picture() -> None:
    chart = line([10, 20], limit=120, unit="ms")
    assert chart.steps == ["150 ms", "75", "0"]
    assert chart.limit_y == "8"


@given(amounts)
def test_a_line_stays_in_its_box(values: list[float]) -> None:
    numbers = [float(number) for number in line(values).strokes[0].line.removeprefix("M").split()]
    assert len(numbers) == 2 * len(values)
    assert all(0 <= x <= 100 for x in numbers[::2])
    assert all(-0.01 <= y <= 40.01 for y in numbers[1::2])


@given(amounts)
def test_a_spark_stays_in_its_box(values: list[float]) -> None:
    numbers = [float(number) for number in Spark(values).line.removeprefix("M").split()]
    assert all(3.19 <= y <= 29.81 for y in numbers[1::2])


def test_bars_stand_on_one_another() -> None:
    chart = BarChart("Calls", [Series("2xx", [6], "s0"), Series("4xx", [0], "s1"), Series("5xx", [4], "s2")], at=["0"])
    good, bad = chart.bars
    assert (good.y, good.height) == ("16", "24")
    assert (bad.y, bad.height) == ("0", "16")


def test_a_table_has_the_same_numbers() -> None:
    assert line([1234.5, 7]).rows == [("0", ["1,234.5"]), ("1", ["7"])]


def test_shares_follow_one_another_and_fill_the_whole() -> None:
    shares = Whole("Plans", [Part("a", 3, "s1"), Part("b", 1, "s2")]).shares
    assert [(share.start, share.length, share.percent) for share in shares] == [("0", "75", 75), ("75", "25", 25)]


def test_nothing_at_all_is_drawn_without_dividing_by_it() -> None:
    assert Whole("Plans", [Part("a", 0, "s1")]).shares[0].percent == 0
    assert line([0, 0]).strokes
