"""Which days a page is asked about."""

import datetime

import pytest

from gateway.console import spans
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
    span = spans.asked_for(Fields.read(query), TODAY)
    assert (span.first, span.last) == (first, last)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("today", "2026-03-31"),
        ("7d", "2026-03-25"),
        ("90d", "2026-01-01"),
        ("12m", "2025-04-01"),
        ("a year", "2026-03-02"),
    ],
)
def test_a_range_ends_today_and_has_as_many_days_before_it(name: str, first: str) -> None:
    """Of a name nobody knows it is the usual one."""
    span = spans.asked_for(Fields.read(f"range={name}"), TODAY)
    assert (span.first, span.last) == (first, "2026-03-31")
    assert len(span.before.days) == len(span.days)
    assert span.before.days.stop == span.days.start


def test_days_to_come_are_left_out() -> None:
    span = spans.asked_for(Fields.read("from=2026-03-30&to=2026-05-01"), TODAY)
    assert (span.first, span.last) == ("2026-03-30", "2026-03-31")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("from=31.3.2026", "Write days"),
        ("from=2026-02-30", "Write days"),
        ("from=0001-01-01&to=0001-01-02", "Write days"),
        ("to=9999-12-31", "Write days"),
        ("from=2026-03-31&to=2026-03-30", "after the last"),
        ("from=2026-04-01&to=2026-04-02", "after today"),
        ("from=2025-03-30&to=2026-03-31", "at most 366"),
    ],
)
def test_days_that_cannot_be_are_refused_with_the_reason(query: str, why: str) -> None:
    """So that the page can say it above its form."""
    with pytest.raises(Refused, match=why):
        spans.asked_for(Fields.read(query), TODAY)
