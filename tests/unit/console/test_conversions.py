"""Why a conversion is credited to a click, or is not, in words."""

import dataclasses

import pytest

from gateway.console import telling
from gateway.console.conversions import why
from gateway.records.clicks import Opened
from gateway.records.conversions import Conversion

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
SOLD_MS = 100 * DAY_MS

SOLD = Conversion(
    id=1, conversion_id="1", name="Order", value=1.0, currency="USD", quantity=1.0,
    happened_at_ms=SOLD_MS, event_id=1, visitor_id=1, click_id=7, campaign="spring", uuid="",
    subscriber_id=None, email=None,
)  # fmt: skip
CLICK = Opened(
    id=7, campaign="spring", uuid="", email="ann@example.com",
    clicked_at_ms=SOLD_MS - 3 * HOUR_MS, confirmed_at_ms=None, confirmed_by=None, marked=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("click", "sold", "said"),
    [
        ({}, {}, "credited: the last valid click, 3 h before"),
        ({"id": 6, "marked": True}, {}, "not valid"),
        ({"id": 6, "clicked_at_ms": SOLD_MS - 31 * DAY_MS}, {}, "too long ago"),
        ({"id": 6}, {}, "not the last one"),
        ({}, {"click_id": None}, "not known as theirs"),
    ],
)
def test_of_every_click_it_is_said_whether_it_is_credited_and_why(
    click: dict[str, object], sold: dict[str, object], said: str
) -> None:
    """The last valid one within the window is."""
    opened = dataclasses.replace(CLICK, **click)  # type: ignore[arg-type]
    conversion = dataclasses.replace(SOLD, **sold)  # type: ignore[arg-type]
    assert why(opened, conversion, 30 * DAY_MS).startswith(said)


@pytest.mark.parametrize(
    ("ms", "said"),
    [(0, "at once"), (999, "at once"), (1_000, "1 s"), (3_599_999, "59 min 59 s"), (DAY_MS, "1 d")],
)
def test_a_time_is_said_in_its_largest_unit(ms: int, said: str) -> None:
    """Rounded down: what is not over yet does not count."""
    assert telling.span(ms) == said
