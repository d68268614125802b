"""Which days a page is asked about: some up to today, or from one date to another, by the list's
time zone. `?range=7d`, or `?from=2026-01-01&to=2026-01-31`.
"""

import datetime
from dataclasses import dataclass

from gateway.console.visit import Fields
from gateway.errors import Problem, Refused
from gateway.events.days import date_of, day_from

DAYS_MAX = 366
RANGES = {
    "today": "Today",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "12m": "12 months",
}
DEFAULT = "30d"
_LENGTHS = {"today": 1, "7d": 7, "30d": 30, "90d": 90}

NO_DATE = Problem(1, "Write days as 2026-01-31.")
BACKWARDS = Problem(2, "The first day must not be after the last one.")
NOT_YET = Problem(3, "The first day must not be after today.")
TOO_LONG = Problem(4, f"Choose at most {DAYS_MAX} days.")


@dataclass(frozen=True, slots=True)
class Span:
    """`name` is one of RANGES, or empty for days that were chosen."""

    days: range
    name: str = ""

    @property
    def first(self) -> str:
        return date_of(self.days.start).isoformat()

    @property
    def last(self) -> str:
        return date_of(self.days.stop - 1).isoformat()

    @property
    def before(self) -> "Span":
        """As many days before."""
        return Span(range(self.days.start - len(self.days), self.days.start))


def ranged(name: str, today: int) -> Span:
    """One of RANGES up to today; of other names, DEFAULT."""
    name = name if name in RANGES else DEFAULT
    return Span(range(today - _length(name, today) + 1, today + 1), name)


def asked_for(query: Fields, today: int) -> Span:
    """What a query says: with no last day up to today, with no first one thirty days; days to come
    are left out. Raises Refused for dates that cannot be."""
    if not (query.text("from") or query.text("to")):
        return ranged(query.text("range"), today)
    first, last = _day(query.text("from")), _day(query.text("to"))
    last = today if last is None else last
    first = last - _LENGTHS[DEFAULT] + 1 if first is None else first
    if first > last:
        raise Refused(BACKWARDS)
    if first > today:
        raise Refused(NOT_YET)
    days = range(first, min(last, today) + 1)
    if len(days) > DAYS_MAX:
        raise Refused(TOO_LONG)
    return Span(days)


def _day(text: str) -> int | None:
    """None where nothing is said. Of years that have instants in every zone."""
    try:
        date = datetime.date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(NO_DATE) from None
    if date and not 1970 <= date.year <= 9998:
        raise Refused(NO_DATE)
    return day_from(date) if date else None


def _length(name: str, today: int) -> int:
    if name in _LENGTHS:
        return _LENGTHS[name]
    date = date_of(today)
    # The day after the same date a year ago; a leap day's is the 28th.
    day = 28 if (date.month, date.day) == (2, 29) else date.day
    return today - day_from(date.replace(year=date.year - 1, day=day))
