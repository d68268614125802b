"""Which days a page is asked about."""

import datetime

import pytest

from gateway.console import days
from gateway.console.visit import Fields
from gateway.errors import Refused
from gateway.events.days import day_from

TODAY = day_from(datetime.date(2026, 3, 31))


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("", "2026-03-02", "2026-03-31"),
        ("from=2026-03-30", "2026-03-30", "2026-03-31"),
        ("to=2026-01-31", "2026-01-02", "2026-01-31"),
        ("from=2026-02-01&to=2026-02-01", "2026-02-01", "2026-02-01"),
        ("from=2025-03-31&to=2026-03-31", "2025-03-31", "2026-03-31"),
    ],
)
def test_days_are_those_that_are_said_or_the_last_thirty(query: str, first: str, last: str) -> None:
    """Both ends are among them."""
    span = days.asked_for(Fields.read(query), TODAY)
    assert (span.first, span.last) == (first, last)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("from=31.3.2026", "Write days"),
        ("from=2026-02-30", "Write days"),
        ("from=0001-01-01&to=0001-01-02", "Write days"),
        ("to=9999-12-31", "Write days"),
        ("from=2026-04-01", "after the last"),
        ("from=2025-03-30&to=2026-03-31", "at most 366"),
    ],
)
def test_days_that_cannot_be_are_refused_with_the_reason(query: str, why: str) -> None:
    """So that the page can say it above its form."""
    with pytest.raises(Refused, match=why):
        days.asked_for(Fields.read(query), TODAY)
