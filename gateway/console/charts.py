"""Charts: numbers in, what an SVG template needs out. Pure; drawn by `templates/charts.html`.

A drawing is stretched to its place, so its texts stand beside it and not in it. Every chart has a
table of the same numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000, 100  # of the drawing, before it is stretched
STEPS = 4  # lines across a chart, at most


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across: where it is, from above, and what it stands for."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """Lines over the same slots, one behind the other. `rows` are the table: what a slot is called,
    and each line's number there; the last slots may have none yet."""

    title: str
    slots: int
    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[float]]]
    paths: Sequence[str]
    ticks: Sequence[Tick]

    @property
    def description(self) -> str:
        """What somebody is told who does not see it."""
        parts = []
        for place, name in enumerate(self.names):
            most = max(self.rows, key=lambda row: row[1][place])
            parts.append(f"{name}: at most {most[1][place]:,.0f}, {most[0]}")
        return f"From {self.rows[0][0]} to {self.rows[-1][0]}. {'; '.join(parts)}."


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a table with a bar: `share` is its length of 100, `numbers` are its figures."""

    label: str
    path: str
    share: float
    numbers: Sequence[float]


def line(
    title: str, names: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]], slots: int = 0
) -> Line:
    """At least one row. `slots`: how many there are in all, where not all have numbers yet."""
    slots = max(slots, len(rows))
    top, step = _scale(max(max(numbers) for _, numbers in rows))
    return Line(
        title=title,
        slots=slots,
        names=names,
        rows=rows,
        paths=[
            _path([numbers[place] for _, numbers in rows], slots, top)
            for place in range(len(names))
        ],
        ticks=[
            Tick(round(HEIGHT - HEIGHT * step * number / top, 2), short(step * number))
            for number in range(round(top / step), -1, -1)
        ],
    )


def bars(rows: Sequence[tuple[str, str, Sequence[float]]]) -> list[Bar]:
    """Label, path and numbers, of which the first is what the bar shows: the longest is whole."""
    most = max((numbers[0] for _, _, numbers in rows), default=0)
    return [
        Bar(label, path, round(100 * numbers[0] / most, 2) if most > 0 else 0, numbers)
        for label, path, numbers in rows
    ]


def short(value: float) -> str:
    """For the side of a chart: `950`, `1.2k`, `3M`."""
    for size, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:,.4g}{suffix}"
    return f"{value:g}"


def _scale(most: float) -> tuple[float, float]:
    """The top of a chart, and the step between its lines: 1, 2 or 5 times a power of ten."""
    if not 0 < most < math.inf:
        return 1, 1
    power = 10.0 ** math.floor(math.log10(most / STEPS))
    step = next(each for each in (1, 2, 5, 10) if each * power * STEPS >= most * (1 - 1e-9)) * power
    step = max(step, 1)
    return step * math.ceil(most / step * (1 - 1e-9)), step


def _path(values: Sequence[float], slots: int, top: float) -> str:
    """Of an SVG path, within its frame. A single point is a line of no length, whose ends are
    round."""
    points = []
    for place, value in enumerate(values):
        x = WIDTH * (place / (slots - 1) if slots > 1 else 0.5)
        y = HEIGHT - HEIGHT * min(max(value / top, 0), 1)
        points.append(f"{x:.1f},{y:.2f}")
    return "M" + "L".join(points) + ("h0" if len(points) == 1 else "")
