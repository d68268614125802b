"""A step takes what the writer can do in a few milliseconds, whatever that is just now."""

import asyncio

import pytest

from gateway.workers.pace import ROWS_LEAST, ROWS_MOST, STEP_S, Pace, next_rows


@pytest.mark.parametrize(
    ("rows", "took_s", "least", "most"),
    [
        (100, STEP_S, 100, 100),  # as long as it should
        (100, STEP_S / 100, 125, 125),  # there is more in it, but bit by bit
        (100, STEP_S * 2, 50, 50),
        (100, STEP_S * 100, 50, 50),  # once is no rule
        (ROWS_LEAST, 10.0, ROWS_LEAST, ROWS_LEAST),
        (ROWS_MOST, STEP_S / 10, ROWS_MOST, ROWS_MOST),
    ],
)
def test_rows_follow_the_time_they_took(rows: int, took_s: float, least: int, most: int) -> None:
    assert least <= next_rows(rows, took_s) <= most


def test_from_any_start_it_gets_to_what_fits() -> None:
    """A writer that takes 0.1 ms a row."""
    for rows in (ROWS_LEAST, ROWS_MOST):
        for _ in range(40):
            rows = next_rows(rows, rows * 0.0001)
        assert rows * 0.0001 == pytest.approx(STEP_S, rel=0.2)


def test_it_goes_on_until_nothing_is_left_and_rests_after_each_step() -> None:
    left, order = 35, []

    async def run(fn):
        return fn(None)

    async def rest():
        order.append("rest")

    def step(db, rows):
        nonlocal left
        taken = min(rows, left)
        left -= taken
        order.append("step")
        return taken

    async def main() -> int:
        return await Pace(run, rest).until_nothing_is_left(step)

    assert asyncio.run(main()) == 35
    assert left == 0
    assert order == ["step", "rest"] * (len(order) // 2)
    assert order.count("step") > 2
