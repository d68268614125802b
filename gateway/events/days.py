"""Local days: whole days since 1970-01-01, as the clocks of a time zone count them. Pure.

A day lasts from its first midnight to that of the next, so days follow each other without a gap,
whatever clocks are put forward or back: 23, 24 or 25 hours, or others. Zones are IANA names.
"""

import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

_EPOCH = datetime.date(1970, 1, 1).toordinal()


def day_of(instant_ms: int, zone: str) -> int:
    """Raises ZoneInfoNotFoundError for a zone that there is not."""
    day = instant_ms // DAY_MS
    while instant_ms < start_ms(day, zone):
        day -= 1
    while instant_ms >= start_ms(day + 1, zone):
        day += 1
    return day


@lru_cache(10_000)
def start_ms(day: int, zone: str) -> int:
    """A day's first instant."""
    midnight = datetime.datetime.combine(date_of(day), datetime.time(), ZoneInfo(zone))
    return int(midnight.timestamp()) * 1000


def date_of(day: int) -> datetime.date:
    return datetime.date.fromordinal(day + _EPOCH)


def day_from(date: datetime.date) -> int:
    return date.toordinal() - _EPOCH
