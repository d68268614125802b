"""Charts of whatever numbers there are: none, one, many, or one that is enormous."""

import pytest

from gateway.console import charts


def drawn(*values: float, slots: int = 0) -> charts.Line:
    rows = [(f"day {number}", (value,)) for number, value in enumerate(values, 1)]
    return charts.line("Events", ("Events",), rows, slots)


def test_a_line_goes_from_one_side_to_the_other() -> None:
    """Its highest point no higher than the highest line across."""
    chart = drawn(0, 10, 40)
    assert chart.paths == ["M0.0,100.00L500.0,75.00L1000.0,0.00"]
    assert [(tick.y, tick.text) for tick in chart.ticks] == [
        (0, "40"), (25, "30"), (50, "20"), (75, "10"), (100, "0"),
    ]  # fmt: skip


def test_a_day_that_is_not_over_ends_where_it_has_come_to() -> None:
    assert drawn(1, 1, slots=5).paths == ["M0.0,0.00L250.0,0.00"]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, ["1", "0"]),
        (1, ["1", "0"]),
        (3, ["3", "2", "1", "0"]),
        (7, ["8", "6", "4", "2", "0"]),
        (1_234_567, ["1.5M", "1M", "500k", "0"]),
        (4e20, ["4e+08T", "3e+08T", "2e+08T", "1e+08T", "0"]),
        (float("inf"), ["1", "0"]),
    ],
)
def test_the_lines_across_stand_for_round_numbers(most: float, ticks: list[str]) -> None:
    """At most four steps, and whole ones, for what is counted is whole."""
    assert [tick.text for tick in drawn(most).ticks] == ticks


def test_a_single_point_is_a_dot_in_the_middle() -> None:
    assert drawn(1).paths == ["M500.0,0.00h0"]


def test_a_chart_says_what_is_to_be_seen() -> None:
    """To who does not see it."""
    expected = "From day 1 to day 3. Events: at most 1,200, day 2."
    assert drawn(5, 1_200, 7).description == expected


def test_nothing_is_drawn_outside_the_frame() -> None:
    """Money that was given back, or more of it than a number can say."""
    assert drawn(-5, 10, float("inf")).paths == ["M0.0,100.00L500.0,0.00L1000.0,0.00"]


def test_the_longest_bar_is_whole() -> None:
    """And none is longer, whatever they stand for."""
    rows = [("a", "", (8, 1)), ("b", "/b", (2, 1)), ("c", "", (0, 0))]
    assert [bar.share for bar in charts.bars(rows)] == [100, 25, 0]
    assert [bar.share for bar in charts.bars([("a", "", (0,))])] == [0]
    assert charts.bars([]) == []
