"""The days that a page's figures are of: from one to another, both included, in the list's zone."""

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway import clock
from gateway.console.visit import Visit
from gateway.errors import Problem, Refused

DAYS = 30
DAYS_MAX = 366

NO_DATE = Problem(1, "Write days as 2026-01-31.")
BACKWARDS = Problem(2, "The first day comes after the last one.")
TOO_MANY = Problem(3, f"Choose at most {DAYS_MAX} days.")

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    first: datetime.date
    last: datetime.date
    zone: ZoneInfo

    @property
    def bounds(self) -> list[int]:
        """The instant each of the days begins, and the one the last of them ends."""
        return [self._begins_ms(self.first + number * _DAY) for number in range(len(self) + 1)]

    @property
    def all(self) -> list[datetime.date]:
        return [self.first + number * _DAY for number in range(len(self))]

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def _begins_ms(self, day: datetime.date) -> int:
        return int(datetime.datetime.combine(day, datetime.time(), self.zone).timestamp() * 1000)


def lately(visit: Visit) -> Days:
    """The last thirty days, today among them."""
    now = datetime.datetime.fromtimestamp(clock.now_ms() / 1000, visit.zone)
    return Days(now.date() - (DAYS - 1) * _DAY, now.date(), visit.zone)


def chosen(visit: Visit) -> Days:
    """`from` and `to` of the query, where not said those of `lately`. Raises Refused."""
    usual = lately(visit)
    first, last = _day(visit.query.text("from")), _day(visit.query.text("to"))
    last = last or (max(usual.last, first) if first else usual.last)
    days = Days(first or last - (DAYS - 1) * _DAY, last, visit.zone)
    if days.first > days.last:
        raise Refused(BACKWARDS)
    if len(days) > DAYS_MAX:
        raise Refused(TOO_MANY)
    return days


def _day(text: str) -> datetime.date | None:
    """None where nothing is said. Of years that a calendar has on both sides."""
    try:
        day = datetime.date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(NO_DATE) from None
    if day and not 1970 <= day.year <= 9998:
        raise Refused(NO_DATE)
    return day
