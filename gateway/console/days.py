"""Which days a page's figures are of: from one to another, both included, by the list's zone.
`?from=2026-01-01&to=2026-01-31`, or else the last thirty.
"""

import datetime
from dataclasses import dataclass

from gateway.console.visit import Fields
from gateway.errors import Problem, Refused
from gateway.events.days import date_of, day_from

DAYS = 30
DAYS_MAX = 366

NO_DATE = Problem(1, "Write days as 2026-01-31.")
BACKWARDS = Problem(2, "The first day must not be after the last one.")
TOO_MANY = Problem(3, f"Choose at most {DAYS_MAX} days.")


@dataclass(frozen=True, slots=True)
class Span:
    days: range

    @property
    def first(self) -> str:
        return date_of(self.days.start).isoformat()

    @property
    def last(self) -> str:
        return date_of(self.days.stop - 1).isoformat()


def lately(today: int) -> Span:
    return Span(range(today - DAYS + 1, today + 1))


def asked_for(query: Fields, today: int) -> Span:
    """What a query says: with no last day up to today, with no first one thirty days. Raises
    Refused for dates that cannot be."""
    first, last = _day(query.text("from")), _day(query.text("to"))
    last = today if last is None else last
    first = last - DAYS + 1 if first is None else first
    if first > last:
        raise Refused(BACKWARDS)
    if last - first >= DAYS_MAX:
        raise Refused(TOO_MANY)
    return Span(range(first, last + 1))


def _day(text: str) -> int | None:
    """None where nothing is said. Of years that have instants in every zone."""
    try:
        date = datetime.date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(NO_DATE) from None
    if date and not 1970 <= date.year <= 9998:
        raise Refused(NO_DATE)
    return day_from(date) if date else None
