"""Days as people in a time zone count them, whatever their clocks do."""

import random
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from gateway.events.days import DAY_MS, HOUR_MS, date_of, day_from, day_of, start_ms


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana",
     "Pacific/Kiritimati", "Pacific/Pago_Pago"],
)  # fmt: skip
def test_the_day_of_an_instant_is_its_date_there(zone: str) -> None:
    """For any instant of fifty years, and for those beside a midnight."""
    chooser = random.Random(zone)
    for _ in range(500):
        instant_ms = chooser.randrange(0, 50 * 365 * DAY_MS)
        midnight_ms = start_ms(day_of(instant_ms, zone), zone)
        for each in (instant_ms, midnight_ms, midnight_ms - 1):
            local = datetime.fromtimestamp(each // 1000, ZoneInfo(zone))
            assert date_of(day_of(each, zone)) == local.date()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Asia/Beirut", "2026-03-29", 23),
        ("Pacific/Apia", "2011-12-30", 0),
    ],
)
def test_a_day_lasts_as_long_as_its_clocks_make_it(zone: str, day: str, hours: float) -> None:
    """Where midnight itself is skipped too; and Samoa once left a whole day out."""
    number = day_from(date.fromisoformat(day))
    assert start_ms(number + 1, zone) - start_ms(number, zone) == hours * HOUR_MS


def test_a_minute_that_comes_twice_at_midnight_leaves_no_gap() -> None:
    """Newfoundland used to put its clocks back at a minute past midnight: what came then once more
    of the day before counts for the new one."""
    again = at("2006-10-29T02:31:00")
    assert date_of(day_of(again, "America/St_Johns")) == date(2006, 10, 29)


def test_a_zone_there_is_not_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        day_of(0, "Europe/Nowhere")
